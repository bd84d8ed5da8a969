"""The page of a report: complete, self-contained, and readable in a browser of any width."""

import importlib.util
import json
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

pytest.importorskip("plotly")
pytest.importorskip("jinja2")
from chromium import WINDOWS, check_report, open_page

from msa_backbone.report.contents import Confusion, Findings, Picture, Report, ReportImage
from msa_backbone.report.curves_and_confusion import curve_of_scores, folded
from msa_backbone.report.render import (
    data_uri,
    most_confused,
    number,
    render,
    score_rows,
    what_folding_hides,
)

NASTY = ("<b>bold</b>", "</script><script>throw 1</script>", "a&amp;b 'c' \"d\"", "x" * 60)


def report_of(classes: tuple[str, ...] = NASTY, points: int = 50) -> Report:
    """Everything that a report can have, for so many classes."""
    random = np.random.default_rng(0)
    count = len(classes)
    scores, labels = random.random((400, count)), random.integers(0, count, 400)
    noise = random.integers(0, 255, (300, 400, 3), np.uint8)
    images = [
        ReportImage(
            f"val/{'long' * 20}{score}.jpg",
            score,
            f"true: {classes[0]}",
            [Picture("truth", noise), Picture("prediction", noise)],
            attention=[Picture(f"position {place}", noise[:100, :100]) for place in (4, 9, 16)],
        )
        for score in (0.9, 0.1)
    ]
    guessed = replace(images[1], guesses=[(name, 1 / count) for name in classes[:5]])
    average = random.random(count)
    average[-1] = np.nan
    return Report(
        title="<i>run</i>",
        summary=[("model", "FasterRCNN & <co>")],
        classes=classes,
        training=[
            {"step": i, "epoch": 1, "loss": 9 / i, "loss_cls": 5 / i, "lr": 0.1, "attention/4": 0.1}
            for i in range(1, points)
        ],
        validation=[
            {"step": i, "coco/bbox_mAP": i / 9, "coco/bbox_mAP_s": float("nan")} for i in (1, 2, 3)
        ],
        scores={"coco/bbox_mAP": 0.333, "coco/bbox_mAP_s": float("nan"), "other/<score>": 12.0},
        findings=Findings(
            {"AP": average, "objects": random.integers(0, 9999, count)},
            {
                "Classes": [
                    curve_of_scores(c, scores[:, i], labels == i) for i, c in enumerate(classes)
                ]
            },
            "At 101 recalls.",
            Confusion(random.integers(0, 50, (count, count)), classes, "boxes", "Paired."),
        ),
        ranked_by="F1",
        best=[images[0]],
        worst=[guessed],
        config="model = dict(type='<script>alert(1)</script>')\n" + "x = '" + "long" * 200 + "'",
        environment=[("GPU 0", "<none>", "y" * 200)],
    )


class Reader(HTMLParser):
    """Ids, headings, what is loaded from where, and the charts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.charts: list[dict] = []
        self.text = ""
        self._in_chart = self._in_code = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        own = dict(attrs)
        self.tags.append(tag)
        self.ids += [own["id"]] if "id" in own else []
        self.addresses += [own[key] for key in ("src", "href", "srcset", "data") if key in own]
        self._in_code = tag in ("script", "style")
        self._in_chart = tag == "script" and own.get("type") == "application/json"

    def handle_endtag(self, tag: str) -> None:
        self._in_code = self._in_chart = False

    def handle_data(self, data: str) -> None:
        if self._in_chart:
            self.charts.append(json.loads(data))
        elif not self._in_code:
            self.text += data


SECTIONS = ["run", "curves", "scores", "classes", "precision-recall", "confusion"]
SECTIONS += ["best", "worst", "attention", "config", "environment"]


def test_the_page_has_every_section_and_loads_nothing():
    report = report_of()
    page = render(report)
    read = Reader(page)
    assert read.ids == SECTIONS
    for address in read.addresses:
        assert address.startswith(("data:", "#")), address
    assert {a[1:] for a in read.addresses if a.startswith("#")} == set(SECTIONS) - {"run"}
    assert "link" in read.tags and read.tags.count("link") == 1  # the icon that is none
    assert read.tags.count("img") == 4 + 6
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    titles = [chart["layout"]["title"].get("text", "") for chart in read.charts]
    assert titles[:4] == [
        "Training loss",
        "Validation",
        "Learning rate",
        "Attention: |f·ca·sa| / |x|",
    ]
    assert titles[4:] == ["AP by class", "Classes", ""]
    assert "0.333" in read.text and "F1" in read.text and "FasterRCNN & <co>" in read.text
    assert render(report) == page  # to the letter


def test_names_are_text_wherever_they_stand():
    read = Reader(render(report_of()))
    assert "i" not in read.tags and "throw 1" in read.text and "alert(1)" in read.text
    assert read.tags.count("script") == 7 + 2  # the charts, the library, what draws them
    for name in NASTY:
        assert name in read.text
    ticks = read.charts[6]["layout"]["yaxis"]["ticktext"]
    assert ticks[0] == "&lt;b&gt;bold&lt;/b&gt;"  # Plotly would read tags
    assert ticks[3] == "x" * 15 + "…"


def test_sections_without_content_are_left_out():
    report = report_of()
    report.training, report.validation, report.best, report.worst = [], [], [], []
    report.findings.curves = {}
    read = Reader(render(report))
    assert read.ids == ["run", "scores", "classes", "confusion", "config", "environment"]
    assert len(read.charts) == 2
    report = report_of()
    for image in (*report.best, *report.worst):
        image.attention = []
    assert "attention" not in Reader(render(report)).ids


def test_many_classes_and_records_are_no_burden():
    classes = tuple(f"class {i}" for i in range(500))
    report = report_of(classes, points=20_000)
    report.best, report.worst = [], []
    page = render(report)
    charts = {chart["layout"]["title"].get("text", ""): chart for chart in Reader(page).charts}
    assert len(charts["Training loss"]["data"][0]["x"]) == 300
    known = sum(len(curve.recall) > 0 for curve in report.findings.curves["Classes"])
    lines = charts[f"Classes: the 20 lowest and highest of {known}"]["data"]
    assert len(lines) == 20
    bars = charts["AP of the 40 lowest and highest of 499 classes"]["data"][0]["x"]
    order = np.sort(report.findings.class_scores["AP"][:-1])
    assert min(bars) == pytest.approx(order[0], abs=1e-4)
    assert max(bars) == pytest.approx(order[-1], abs=1e-4)
    assert len(bars) == 40 and len(charts[""]["data"][0]["z"]) == 40
    assert len(page) - len(render(report_of())) < 1_000_000


def test_a_folded_matrix_says_what_it_hides():
    names = tuple(f"class {i}" for i in range(45))
    matrix = np.diag(np.full(45, 100))
    for i in range(39):
        matrix[i, 44] = 50 + i  # the last one is confused with most
    matrix[40, 41], matrix[43, 42], matrix[0, 43] = 5, 7, 9
    text = what_folding_hides(Confusion(matrix, names, "boxes", ""))
    assert "The 39 classes with the most errors" in text and "the 6 others are one" in text
    # Class 1 has the fewest errors of the first 39 and gives way to 44; the 9 are of class 0.
    shown, _ = folded(matrix, names, 40)
    assert (matrix.sum() - matrix.trace()) - (shown.sum() - shown.trace()) == 5 + 7
    assert " 12 errors are among these others" in text
    assert text.endswith("the most frequent is class 43 taken for class 42 (7).")
    report = report_of(names)
    report.findings.confusion = Confusion(matrix, names, "boxes", "Paired.")
    assert text in Reader(render(report)).text
    assert what_folding_hides(Confusion(matrix[:40, :40], names[:40], "boxes", "")) == ""
    alone = what_folding_hides(Confusion(np.eye(45, dtype=int), names, "boxes", ""))
    assert " 0 errors are among these others" in alone and "most frequent" not in alone


def test_errors_by_frequency():
    matrix = np.array([[5, 3, 0], [1, 9, 0], [0, 4, 0]])
    rows = most_confused(Confusion(matrix, "abc", "boxes", ""))
    assert rows == [
        ("c", "b", "4", "100.0 %"),
        ("a", "b", "3", "37.5 %"),
        ("b", "a", "1", "10.0 %"),
    ]


def test_numbers_and_the_best_of_them():
    assert [number(v) for v in (1234, 0.5, 1.0, 90.0, float("nan"), -1.0)] == [
        *("1,234", "0.500", "1.000", "90.00", "-", "-")
    ]
    validation = [{"a": 0.5, "step": 1}, {"a": 0.9, "step": 2}, {"a": float("nan"), "step": 3}]
    assert score_rows({"a": 0.25, "b": 3.0}, validation) == [
        ("a", "0.250", "0.900", "2"),
        ("b", "3.00", "-", ""),
    ]


def test_a_picture_is_a_jpeg_of_bounded_size():
    noise = np.random.default_rng(0).integers(0, 255, (416, 416, 3), np.uint8)
    uri = data_uri(noise)
    assert uri.startswith("data:image/jpeg;base64,/9j/") and len(uri) < 300_000


def test_a_missing_package_is_named(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "plotly" else find(name)
    )
    with pytest.raises(ValueError, match="needs plotly: pip install plotly"):
        render(report_of())


@pytest.mark.slow
@pytest.mark.parametrize("classes", [NASTY, tuple(f"class {i}" for i in range(120))])
def test_a_browser_shows_it(classes, chromium, tmp_path):
    file = tmp_path / "report.html"
    report = report_of(classes)
    report.findings.curves = {"Boxes, each class at IoU 0.5": report.findings.curves["Classes"]}
    file.write_text(render(report), encoding="utf-8")
    for width, height in WINDOWS:
        with open_page(chromium) as page:
            check_report(page, file, width, height)
            shown = page.evaluate("document.body.innerText")
            assert classes[0] in shown and classes[1] in shown
            labels = page.evaluate(
                "[...document.querySelectorAll('svg text')].map(t => t.textContent).join('\\n')"
            )
            assert classes[0][:15] in labels  # as text, also inside charts


@pytest.mark.slow
def test_long_names_are_broken_not_cut(chromium, tmp_path):
    """Titles and legends of words without a blank, of wide letters and of dozens of lines."""
    classes = tuple(
        f"class {i} of the names/without_blanks_{'y' * (i % 5 * 12)}" for i in range(60)
    )
    report = report_of(classes)
    for record in report.training:
        record.update({f"loss_{'auxiliary_' * 6}{i} & <{i}>": 1.0 for i in range(12)})
        record.update({f"loss {'MW' * 24} {i}": 1.0 for i in range(2)})
    ap = report.findings.class_scores["AP"]
    report.findings.class_scores = {"AP_" + "at_all_ten_overlaps_" * 5: ap}
    file = tmp_path / "report.html"
    file.write_text(render(report), encoding="utf-8")
    for width, height in WINDOWS:
        with open_page(chromium) as page:
            check_report(page, file, width, height)
            shown = page.evaluate(
                "[...document.querySelectorAll('.gtitle, .legendtext')].map(t => t.textContent)"
            )
            shown = "\n".join(shown).replace(" ", "")  # lines are one without their blanks
            assert "at_all_ten_overlaps_" * 5 in shown
            for i in range(12):
                assert f"{'auxiliary_' * 6}{i}&<{i}>" in shown
            assert "MW" * 24 + "0" in shown
            charts = (
                "[...document.querySelectorAll('.chart')].map(chart => chart._fullLayout._size)"
            )
            room = page.evaluate(f"{charts}.flatMap(size => [size.w, size.h])")
            assert min(room) > 100  # for the lines themselves


def test_the_browser_notices_what_is_wrong(chromium, tmp_path):
    file = tmp_path / "bad.html"
    file.write_text(
        "<html data-charts='1'><body><div class='chart'><svg class='main-svg'></svg></div>"
        "<p style='width: 2000px'>wide</p><script>console.error('oh')</script>"
        "<script>throw new Error('thrown')</script>"
        "<img src='https://example.invalid/x.png'></body></html>"
    )
    with open_page(chromium) as page:
        page.show(file, 390, 844, "document.readyState === 'complete'")
        assert page.evaluate("document.documentElement.scrollWidth") > 390
        assert any("oh" in error for error in page.errors)
        assert any("thrown" in error for error in page.errors)
        assert "https://example.invalid/x.png" in page.requests
    with open_page(chromium) as page, pytest.raises(AssertionError):
        check_report(page, file, 390, 844)
