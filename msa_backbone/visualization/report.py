"""What a report says, and how it becomes one HTML file that needs nothing else."""

import base64
import importlib.util
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from ..scoring import Curve
from .curves import SCORES

TEMPLATES = Path(__file__).with_name("templates")
JPEG_QUALITY = 85
MOST_CONFUSED = 12
MOST_COUNTS = 16  # rows of a confusion matrix that shows its counts


@dataclass
class Picture:
    """RGB, (H, W, 3) uint8, and the words below it."""

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
    """Who was taken for whom.

    Attributes:
        matrix: (classes, classes), true classes in rows, predicted ones in columns.
        names: of its rows and columns.
        unit: what was counted.
        note: how.
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
        confusion: of the classes.
    """

    class_scores: dict[str, np.ndarray]
    curves: dict[str, list[Curve]]
    curves_note: str
    confusion: Confusion


@dataclass
class Report:
    """Everything a report of a run shows.

    Attributes:
        title: the run's name.
        summary: facts of the run, as name and value.
        classes: names.
        training, validation: from `curves.read_records`.
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


def require_packages() -> None:
    """Refuse to begin a report that could not be written.

    Raises:
        ValueError: if a package is missing.
    """
    missing = [name for name in ("jinja2", "plotly") if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f'a report needs {" and ".join(missing)}: pip install "msa_backbone[report]"'
        )


def render(report: Report) -> str:
    """The HTML, with its charts' library, styles and pictures inside.

    The same report always gives the same text.

    Raises:
        ValueError: without the packages that it needs.
    """
    require_packages()
    import jinja2
    from plotly.offline import get_plotlyjs

    from . import report_charts

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "number": number}
    return environment.get_template("report.html").render(
        report=report,
        charts=report_charts.chart_texts(report),
        headlines=[(name, report.scores[name]) for name in SCORES if name in report.scores][:4],
        class_head=["class", *report.findings.class_scores],
        score_rows=score_rows(report.scores, report.validation),
        class_rows=class_rows(report.classes, report.findings.class_scores),
        confused=most_confused(report.findings.confusion),
        matrix_is_small=len(report.findings.confusion.names) <= MOST_COUNTS,
        plotly=get_plotlyjs(),
    )


def data_uri(pixels: np.ndarray) -> str:
    """A picture, (H, W, 3) uint8 RGB, as the address of a JPEG inside the page."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def number(value: float, digits: int | None = None) -> str:
    """A count, or a score with by default three digits up to 1 and two above, for the tables.

    COCO's -1 is no score.
    """
    if isinstance(value, int):
        return f"{value:,}"
    if digits is None:
        digits = 3 if abs(value) <= 1 else 2
    return "-" if math.isnan(value) or value == -1 else f"{value:.{digits}f}"


def score_rows(
    scores: Mapping[str, float], validation: Sequence[Mapping[str, float]]
) -> list[tuple[str, str, str, str]]:
    """Rows of the table of scores: name, now, the best while training, and at which step."""
    rows = []
    for name, value in scores.items():
        known = [(own[name], own["step"]) for own in validation if name in own]
        known = [pair for pair in known if not math.isnan(pair[0])]
        best, step = max(known, key=lambda pair: pair[0], default=(float("nan"), ""))
        rows.append((name, number(value), number(best), str(step)))
    return rows


def class_rows(classes: Sequence[str], scores: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Rows of the table by class: name and values."""
    columns = []
    for values in scores.values():
        digits = 3 if np.nan_to_num(values).max(initial=0) <= 1 else 2
        columns.append([number(value, digits) for value in values.tolist()])
    return list(zip(classes, *columns, strict=True))


def most_confused(confusion: Confusion) -> list[tuple[str, str, str, str]]:
    """The most frequent errors: true class, predicted class, count and share of the row."""
    wrong = confusion.matrix.astype(float)
    totals = wrong.sum(axis=1)
    np.fill_diagonal(wrong, 0)
    rows = []
    for flat in np.argsort(-wrong, axis=None, kind="stable")[:MOST_CONFUSED]:
        true, predicted = np.unravel_index(flat, wrong.shape)
        if count := wrong[true, predicted]:
            names = confusion.names[true], confusion.names[predicted]
            rows.append((*names, f"{count:,.0f}", f"{100 * count / totals[true]:.1f} %"))
    return rows
