"""Whether attention looks where questions tell it to, over the questions of a data set.

Of a question that names one thing, two shares are compared: how much of what its words change lies
in the thing's box, and the same for the words of another question. Attention that looks where it is
told has more in the box by its own words. If both shares are equally high, it looks at things in
general, not at the one that is asked about.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...files.markdown import markdown_table
from ..predictor import Predictor
from .word_changes import listening, share_inside, word_changes


@dataclass(frozen=True)
class Looking:
    """Mean shares of the change inside the named thing's box, in 0..1.

    Attributes:
        own: by the question's words.
        other: by another question's.
        area: the box's share of the picture, that of a change which is the same everywhere.
        questions: how many were asked, but for those whose words change nothing.
    """

    own: float
    other: float
    area: float
    questions: int


def named_once(samples: Sequence[Mapping], most: int, seed: int = 0) -> list[Mapping]:
    """At most so many of the questions that name one thing whose place is known, drawn by a seed.

    Args:
        samples: of a `PictureQuestionDataset`.
        most: of them.
        seed: of the draw.

    Raises:
        ValueError: if fewer than two have one box.
    """
    fitting = [sample for sample in samples if len(sample["boxes"]) == 1]
    if len(fitting) < 2:
        raise ValueError(
            "the test data has no two questions with one box each: give the annotations `boxes`, "
            "a list of [x, y, width, height] around what each question names"
        )
    drawn = np.random.default_rng(seed).permutation(len(fitting))[:most]
    return [fitting[number] for number in drawn]


def measure_looking(predictor: Predictor, samples: Sequence[Mapping]) -> dict[str, Looking]:
    """Ask every question about its picture, and the next different one too.

    Args:
        predictor: of a model whose attention listens; its `questions` are replaced.
        samples: from `named_once`.

    Returns:
        The shares by position of the module.

    Raises:
        ValueError: for a model without such attention, or whose words change nothing; for questions
            that are all the same, and a box outside of its picture.
    """
    if not listening(predictor):
        raise ValueError("no attention of the model listens: it needs conditioning='backbone'")
    found: dict[str, list[tuple[float, float, float]]] = {}
    for number, sample in enumerate(samples):
        picture = predictor.read(Path(sample["img_path"]))
        predictor.questions = (sample["question"], _next_other(samples, number))
        for position, changes in word_changes(predictor, picture).items():
            own, other = (share_inside(c, sample["boxes"], picture.shape[:2]) for c in changes)
            if own[1] == 0:
                raise ValueError(
                    f"{sample['img_path']}: the box {sample['boxes'][0]} of "
                    f"'{sample['question']}' lies outside of the picture: give it in pixels"
                )
            found.setdefault(position, []).append((own[0], other[0], own[1]))
    looking = {}
    for position, shares in found.items():
        changed = [share for share in shares if not any(map(math.isnan, share))]
        if not changed:
            raise ValueError("words change nothing that attention adds: train the model first")
        looking[position] = Looking(*np.mean(changed, axis=0).tolist(), len(changed))
    return looking


def _next_other(samples: Sequence[Mapping], number: int) -> str:
    """The next question with another text; behind the last comes the first."""
    texts = [sample["question"] for sample in (*samples[number:], *samples[:number])]
    others = (text for text in texts if text != texts[0])
    if (other := next(others, None)) is None:
        raise ValueError(f"all questions are '{texts[0]}': give others to compare with")
    return other


def looking_table(looking: Mapping[str, Looking]) -> str:
    """A Markdown table, a row for every module."""
    head = ["position", "in the box, own words", "other words", "the box's area", "questions"]
    rows = [
        [
            position,
            *(f"{share:.3f}" for share in (found.own, found.other, found.area)),
            found.questions,
        ]
        for position, found in looking.items()
    ]
    return markdown_table(head, rows)
