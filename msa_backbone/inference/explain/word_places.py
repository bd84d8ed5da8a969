"""Whether attention looks where questions tell it to, over the questions of a data set.

Of a question that names one thing, two shares are compared: how much of what its words change lies
in the thing's box, and the same for the words of another question. Attention that looks where it is
told has more in the box by its own words. What both have in common is no listening: attention may
like all things, and less the background.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..predictor import Predictor
from .word_changes import share_inside, word_changes


@dataclass(frozen=True)
class Looking:
    """Mean shares of the change inside the named thing's box, in 0..1.

    Attributes:
        own: by the question's words.
        other: by another question's.
        area: the box's share of the picture, that of a change which is the same everywhere.
        questions: how many were asked.
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
    """Ask every question, and of its picture the next one's too.

    Args:
        predictor: of a model whose attention listens; its `questions` are replaced.
        samples: from `named_once`.

    Returns:
        The shares by position of the module.

    Raises:
        ValueError: for a model without such attention.
    """
    found: dict[str, list[tuple[float, float, float]]] = {}
    for sample, following in zip(samples, [*samples[1:], samples[0]], strict=True):
        picture = predictor.read(Path(sample["img_path"]))
        predictor.questions = (sample["question"], following["question"])
        for position, changes in word_changes(predictor, picture).items():
            own, other = (share_inside(c, sample["boxes"], picture.shape[:2]) for c in changes)
            found.setdefault(position, []).append((own[0], other[0], own[1]))
    if not found:
        raise ValueError("no attention of the model listens: it needs conditioning='backbone'")
    return {
        position: Looking(*np.nanmean(shares, axis=0).tolist(), len(shares))
        for position, shares in found.items()
    }


def looking_table(looking: Mapping[str, Looking]) -> str:
    """A Markdown table, a row for every module."""
    rows = [
        "| position | in the box, own words | other words | the box's area | questions |",
        "| --- | --- | --- | --- | --- |",
    ]
    rows += [
        f"| {position} | {found.own:.3f} | {found.other:.3f} | {found.area:.3f} | "
        f"{found.questions} |"
        for position, found in looking.items()
    ]
    return "\n".join(rows)
