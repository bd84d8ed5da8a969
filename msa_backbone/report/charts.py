"""The charts of a report, as Plotly's JSON."""

import html
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from ..plots.training_curves import ATTENTION
from ..scores import HEADLINES, scores_of
from .contents import MOST_CELLS, MOST_COUNTS, Confusion, Report
from .curves_and_confusion import Curve, extremes, folded, thinned, thinned_curve

MOST_POINTS = 300  # of a line
FEW_RECORDS = 12  # up to so many, every record is marked on its line
MOST_LINES = 20  # of a chart of precision-recall curves
MOST_BARS = 40  # of a chart by class
GRID = "rgba(128, 128, 128, 0.25)"


def chart_texts(report: Report) -> dict[str, list[tuple[str, str]]]:
    """Charts by the section that they belong to.

    Returns:
        The title of each, and its JSON, which may stand inside a script element.
    """
    scores, confusion = report.findings.class_scores, report.findings.confusion
    sections = {
        "curves": training_charts(report.training, report.validation),
        "classes": [
            class_bars(report.classes, *first, report.findings.row)
            for first in list(scores.items())[:1]
        ],
        "precision-recall": [
            curve_chart(title, curves) for title, curves in report.findings.curves.items()
        ],
        "confusion": [confusion_chart(confusion)] if confusion else [],
    }
    return {
        name: [
            (
                html.unescape(figure.layout.title.text or name),
                figure.to_json(engine="json").replace("<", "\\u003c"),
            )
            for figure in figures
        ]
        for name, figures in sections.items()
    }


def training_charts(training: Sequence[dict], validation: Sequence[dict]) -> list[go.Figure]:
    """Losses, scores, the learning rate and what attention adds, as far as they were logged.

    Args:
        training, validation: from `read_records`.
    """
    names = sorted({name for record in training for name in record})
    losses = [name for name in names if "loss" in name]
    ratios = sorted((n for n in names if n.startswith(ATTENTION)), key=lambda n: (len(n), n))
    scored = list({name: None for record in validation for name in scores_of(record)})
    main = [name for name in HEADLINES if name in scored]
    charts = []
    if losses:
        labels = {"loss": "total"} | {n: n.removeprefix("loss_") for n in losses if n != "loss"}
        charts.append(line_chart("Training loss", "iteration", training, labels))
    if scored:
        axis = "epoch" if training and "epoch" in training[0] else "iteration"
        labels = {name: name for name in [*main, *(n for n in scored if n not in main)]}
        chart = line_chart("Validation", axis, validation, labels)
        if main:
            chart.for_each_trace(
                lambda line: line.update(visible="legendonly"),
                lambda line: html.unescape(line.name) not in main,
            )
        charts.append(chart)
    if "lr" in names:
        charts.append(line_chart("Learning rate", "iteration", training, {"lr": "lr"}))
    if ratios:
        labels = {name: f"position {name.removeprefix(ATTENTION)}" for name in ratios}
        charts.append(line_chart("Attention: |f·ca·sa| / |x|", "iteration", training, labels))
    return charts


def line_chart(title: str, axis: str, records: Sequence[dict], labels: dict[str, str]) -> go.Figure:
    """A line for each name over the records' steps.

    Args:
        title: of the chart.
        axis: what the steps are: epochs or iterations.
        records: each with its `step` and the values by name.
        labels: of the lines, by name.
    """
    mode = "lines+markers" if len(records) <= FEW_RECORDS else "lines"
    chart = empty_chart(title, axis, "")
    for name, label in labels.items():
        points = np.array([(r["step"], r[name]) for r in records if name in r], dtype=float)
        x, y = thinned(points, MOST_POINTS).T
        chart.add_scatter(x=x.tolist(), y=rounded(y), name=plain(label), mode=mode)
    chart.update_yaxes(rangemode="tozero", exponentformat="power")
    if axis == "epoch" and max((r["step"] for r in records), default=0) <= FEW_RECORDS:
        chart.update_xaxes(dtick=1)
    chart.update_layout(showlegend=len(labels) > 1)
    return chart


def curve_chart(title: str, curves: Sequence[Curve]) -> go.Figure:
    """Precision over recall; of many classes those with the lowest and the highest average."""
    known = [curve for curve in curves if len(curve.recall)]
    shown = extremes(np.array([curve.average for curve in known]), MOST_LINES)
    if len(shown) < len(known):
        title = f"{title}: the {MOST_LINES} lowest and highest of {len(known)}"
    chart = empty_chart(title, "recall", "precision", height=max(360, 100 + 20 * len(shown)))
    for index in shown:
        curve = thinned_curve(known[index], MOST_POINTS)
        chart.add_scatter(
            x=rounded(curve.recall),
            y=rounded(curve.precision),
            name=f"{plain(shortened(curve.name, 28))} ({curve.average:.2f})",
            mode="lines",
        )
    chart.update_xaxes(range=[0, 1.01])
    chart.update_yaxes(range=[0, 1.02])
    chart.update_layout(showlegend=True)
    return chart


def class_bars(
    classes: Sequence[str], title: str, values: np.ndarray, row: str = "class"
) -> go.Figure:
    """A bar for each class; of many those with the lowest and the highest score.

    Args:
        classes: names.
        title: what the values are.
        values: (classes,); classes with NaN are left out.
        row: what the classes are.
    """
    known = np.flatnonzero(~np.isnan(values))
    shown = known[extremes(values[known], MOST_BARS)].tolist()
    which = f"by {row}"
    if len(shown) < len(known):
        which = f"of the {MOST_BARS} lowest and highest of {len(known)} classes"
    chart = empty_chart(f"{title} {which}", "", "", height=90 + 24 * len(shown))
    chart.add_bar(
        x=rounded(values[shown]),
        y=list(range(len(shown))),
        text=[plain(classes[index]) for index in shown],
        orientation="h",
        textposition="none",
        hovertemplate="%{text}: %{x}<extra></extra>",
    )
    ticks = [plain(shortened(classes[index])) for index in shown]
    chart.update_yaxes(tickvals=list(range(len(shown))), ticktext=ticks, autorange="reversed")
    chart.update_yaxes(ticklabeloverflow="allow", showgrid=False, zeroline=False)
    chart.update_xaxes(rangemode="tozero")
    return chart


def confusion_chart(confusion: Confusion) -> go.Figure:
    """The matrix, coloured by the share of the true class; of many classes the most confused."""
    matrix, names = folded(confusion.matrix, confusion.names, MOST_CELLS)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    places = list(range(len(names)))
    ticks = [plain(shortened(name)) for name in names]
    size = 30 if len(names) <= MOST_COUNTS else 18
    chart = empty_chart("", "predicted", "true", height=max(380, 150 + size * len(names)))
    if len(names) > MOST_COUNTS:  # a narrower page scrolls it
        chart.update_layout(meta={"min_width": 170 + size * len(names)})
    chart.add_heatmap(
        z=[rounded(row) for row in shares],
        x=places,
        y=places,
        customdata=[
            [
                f"true {plain(true)}, predicted {plain(predicted)}: {count:,}"
                for predicted, count in zip(names, row, strict=True)
            ]
            for true, row in zip(names, matrix.tolist(), strict=True)
        ],
        text=[[short(count) for count in row] for row in matrix.tolist()],
        texttemplate="%{text}" if len(names) <= MOST_COUNTS else None,
        hovertemplate="%{customdata} (%{z:.1%} of the row)<extra></extra>",
        colorscale="Blues",
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=1,
        ygap=1,
    )
    axis = {"tickvals": places, "ticktext": ticks, "showgrid": False, "zeroline": False}
    chart.update_xaxes(**axis, tickangle=-90 if max(map(len, ticks)) > 3 else 0)
    chart.update_yaxes(**axis, autorange="reversed")
    return chart


def empty_chart(title: str, x: str, y: str, height: int = 360) -> go.Figure:
    """A chart with axes and nothing in it.

    It has no colours for text and background: the page's script gives it those of the page.
    """
    chart = go.Figure()
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True, "fixedrange": True}
    chart.update_layout(
        template=go.layout.Template(),
        title={"text": title, "font": {"size": 15}, "x": 0.02, "xanchor": "left"},
        height=height,
        margin={"l": 44, "r": 14, "t": 44 if title else 14, "b": 44},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hoverlabel={"namelength": -1},
        xaxis={**axis, "title": {"text": x, "standoff": 8, "font": {"size": 13}}},
        yaxis={**axis, "title": {"text": y, "standoff": 8, "font": {"size": 13}}},
        showlegend=False,
    )
    return chart


def plain(text: str) -> str:
    """Text that Plotly shows as it is, and does not read as markup."""
    return html.escape(text, quote=False)


def shortened(text: str, most: int = 16) -> str:
    """A name that leaves room for the chart beside it."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def short(count: float) -> str:
    """A count in a few characters; nothing for none."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if count >= unit:
            return f"{count / (1e3 if name == 'k' else unit):.3g}{name}"
    return f"{count:.0f}" if count else ""


def rounded(values: np.ndarray) -> list[float | None]:
    """Values for a chart: five digits, more than a screen shows; None draws nothing, for NaN."""
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]
