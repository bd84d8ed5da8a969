"""What is said of a picture as a whole: its class, answers to questions, a caption."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..plots.words_below import words_below
from .result import Result


@dataclass(frozen=True)
class ClassScores(Result):
    """How probable each class is.

    Attributes:
        scores: (classes,).
        classes: their names.
    """

    scores: np.ndarray
    classes: Sequence[str]

    @property
    def label(self) -> int:
        """The number of the most probable class."""
        return int(self.scores.argmax())

    @property
    def name(self) -> str:
        """The most probable class."""
        return self.classes[self.label]

    def words(self) -> str:
        return f"{self.name} ({self.scores[self.label]:.2f})"

    def record(self) -> dict:
        scores = [round(float(score), 4) for score in self.scores]
        by_name = dict(zip(self.classes, scores, strict=False))
        return {"class": self.name, "score": scores[self.label], "scores": by_name}

    def draw(self, picture: np.ndarray) -> np.ndarray:
        return words_below(picture, [self.words()])


@dataclass(frozen=True)
class Answers(Result):
    """Answers to questions about a picture.

    Attributes:
        questions, answers: as many of both.
        scores: the answers' probabilities.
    """

    questions: Sequence[str]
    answers: Sequence[str]
    scores: Sequence[float]

    def words(self) -> str:
        said = zip(self.answers, self.scores, strict=True)
        return "; ".join(f"{answer} ({score:.2f})" for answer, score in said)

    def record(self) -> dict:
        rows = zip(self.questions, self.answers, self.scores, strict=True)
        return {
            "answers": [
                {"question": question, "answer": answer, "score": round(float(score), 4)}
                for question, answer, score in rows
            ]
        }

    def draw(self, picture: np.ndarray) -> np.ndarray:
        rows = zip(self.questions, self.answers, strict=True)
        return words_below(picture, [f"{question} {answer}" for question, answer in rows])


@dataclass(frozen=True)
class Caption(Result):
    """A sentence about a picture."""

    text: str

    def words(self) -> str:
        return self.text

    def record(self) -> dict:
        return {"caption": self.text}

    def draw(self, picture: np.ndarray) -> np.ndarray:
        return words_below(picture, [f"caption: {self.text}"])
