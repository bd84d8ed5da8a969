"""The parts of a report, before they become a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .curves_and_confusion import Curve

MOST_COUNTS = 16  # rows of a confusion matrix that shows its counts
MOST_CELLS = 40  # rows of any: more classes are folded


@dataclass
class Picture:
    """A picture and the words below it.

    Attributes:
        title: the words.
        pixels: RGB, (H, W, 3) uint8.
    """

    title: str
    pixels: np.ndarray


@dataclass
class ReportImage:
    """One of the best or worst images.

    Attributes:
        name: of the file.
        score: by which it was chosen.
        words: what was found, in words.
        pictures: truth and prediction.
        guesses: of a classifier, classes with their probabilities, the highest first.
        attention: a map over the picture for each attention module.
    """

    name: str
    score: float
    words: str
    pictures: list[Picture]
    guesses: list[tuple[str, float]] = field(default_factory=list)
    attention: list[Picture] = field(default_factory=list)


@dataclass
class Confusion:
    """How often each class was taken for which.

    Attributes:
        matrix: (classes, classes), true classes in rows, predicted ones in columns.
        names: of its rows and columns.
        unit: what was counted, such as 'boxes'.
        note: how it was counted, in a sentence or more.
    """

    matrix: np.ndarray
    names: Sequence[str]
    unit: str
    note: str


@dataclass
class Findings:
    """What an evaluation found out beside the metrics' numbers.

    Attributes:
        class_scores: (classes,) for every column of the table by class, the most telling first;
            NaN where a score has no meaning.
        curves: precision-recall curves of the classes, by the title of their chart.
        curves_note: how they were made.
        confusion: of the classes; None where there are none.
        row, rows: what a row of the table by class is, and the names of the rows where they are not
            the classes.
    """

    class_scores: dict[str, np.ndarray]
    curves: dict[str, list[Curve]]
    curves_note: str
    confusion: Confusion | None
    row: str = "class"
    rows: Sequence[str] | None = None


@dataclass
class Report:
    """Everything a report of a run shows.

    Attributes:
        title: the run's name.
        summary: facts of the run, as name and value.
        classes: names.
        training, validation: from `read_records`.
        scores: the metrics' numbers of this evaluation.
        findings: its other results.
        ranked_by: what `best` and `worst` are chosen by.
        best, worst: images, the extreme ones first.
        config: its text.
        environment: name, value while training and value while reporting.
    """

    title: str
    summary: list[tuple[str, str]]
    classes: Sequence[str]
    training: list[dict]
    validation: list[dict]
    scores: Mapping[str, float]
    findings: Findings
    ranked_by: str
    best: list[ReportImage]
    worst: list[ReportImage]
    config: str
    environment: list[tuple[str, str, str]]
