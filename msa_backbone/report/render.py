"""From a report to one HTML file that loads nothing else."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from ..packages import require_packages
from ..scores import HEADLINES, best_of
from .contents import MOST_CELLS, MOST_COUNTS, Confusion, Report
from .curves_and_confusion import errors_among_folded

TEMPLATES = Path(__file__).with_name("templates")
JPEG_QUALITY = 85
MOST_CONFUSED = 12  # rows of the table of errors
MOST_TILES = 4

PACKAGES = ("jinja2", "plotly", "sklearn")
"""What a report needs beside what a training needs."""


def render(report: Report) -> str:
    """The page's HTML, with styles, pictures and the library of its charts inside.

    The same report always gives the same text.

    Raises:
        ValueError: without the packages that it needs.
    """
    require_packages("a report", PACKAGES)
    import jinja2
    from plotly.offline import get_plotlyjs

    from .charts import chart_texts

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "number": number}
    confusion = report.findings.confusion
    return environment.get_template("report.html").render(
        report=report,
        charts=chart_texts(report),
        headlines=headline_tiles(report.scores),
        class_head=[report.findings.row, *report.findings.class_scores],
        score_rows=score_rows(report.scores, report.validation),
        class_title="Classes" if report.findings.rows is None else "Types of questions",
        class_rows=class_rows(report.classes, report.findings.class_scores),
        hidden=confusion and what_folding_hides(confusion),
        confused=confusion and most_confused(confusion),
        matrix_is_small=confusion and len(confusion.names) <= MOST_COUNTS,
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


def headline_tiles(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    """The scores that lead the page, by name, the most important first."""
    return [(name, scores[name]) for name in HEADLINES if name in scores][:MOST_TILES]


def score_rows(
    scores: Mapping[str, float], validation: Sequence[Mapping[str, float]]
) -> list[tuple[str, str, str, str]]:
    """Rows of the table of scores: name, now, the best while training, and at which step."""
    rows = []
    for name, value in scores.items():
        best, step = best_of(name, validation)
        rows.append((name, number(value), number(best), str(step)))
    return rows


def class_rows(classes: Sequence[str], scores: Mapping[str, np.ndarray]) -> list[tuple[str, ...]]:
    """Rows of the table by class: name and values."""
    columns = []
    for values in scores.values():
        digits = 3 if np.nan_to_num(values).max(initial=0) <= 1 else 2
        columns.append([number(value, digits) for value in values.tolist()])
    return list(zip(classes, *columns, strict=True))


def what_folding_hides(confusion: Confusion) -> str:
    """What the matrix of many classes does not show, in sentences; empty where it shows all."""
    others = len(confusion.names) - (MOST_CELLS - 1)
    if others <= 1:
        return ""
    hidden = errors_among_folded(confusion.matrix, MOST_CELLS)
    text = f"The {MOST_CELLS - 1} classes with the most errors have a row each; the {others} others"
    text += f" are one. {hidden.sum():,} errors are among these others, where they look like right"
    if not hidden.any():
        return f"{text} ones."
    true, predicted = np.unravel_index(hidden.argmax(), hidden.shape)
    names = f"{confusion.names[true]} taken for {confusion.names[predicted]}"
    return f"{text} ones; the most frequent is {names} ({hidden.max():,})."


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
