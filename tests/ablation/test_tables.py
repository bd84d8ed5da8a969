"""Tables and plots of an ablation, against figures worked out by hand."""

import csv
import io

from msa_backbone.ablation.plots import plot_costs, plot_fractions
from msa_backbone.ablation.tables import ablation_csv, ablation_table
from msa_backbone.costs.backbones import BackboneCosts
from msa_backbone.files.images import read_image

AP, SMALL = "coco/bbox_mAP", "coco/bbox_mAP_s"


def run(score: float, small: float = -1.0, train: float | None = None) -> dict:
    result = {"test": {AP: score, SMALL: small}, "seconds": 5.0}
    return result if train is None else {**result, "train": {AP: train}}


RESULTS = {
    "plain": {0: run(0.50, train=0.8), 1: run(0.40, train=0.6), 2: run(0.45, train=0.7)},
    "full": {0: run(0.52, train=0.8), 1: run(0.46, train=0.7)},
    "none": {},
}
COSTS = {
    name: BackboneCosts(14_710_000 + i, 2_000_000_000, 1.0 + i, 1.0 + i / 2)
    for i, name in enumerate(RESULTS)
}


def cells(table: str) -> dict[str, dict[str, str]]:
    titles, _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines()]
    return {row[0]: dict(zip(titles, row, strict=True)) for row in rows}


def test_differences_are_paired_by_seed():
    rows = cells(ablation_table(RESULTS, AP, COSTS))
    assert set(rows) == {"plain", "full"}  # what has no runs has no row
    assert rows["plain"]["AP"] == "0.4500 ± 0.0500" and rows["plain"]["seeds"] == "3"
    # 0.02 and 0.06: seed 2 has no counterpart
    assert rows["full"]["difference to plain"] == "+0.0400 ± 0.0283 (2 of 2)"
    assert rows["plain"]["difference to plain"] == "-"
    assert rows["plain"]["train - test"] == "0.2500 ± 0.0500"
    assert "AP small" not in rows["plain"]  # nothing small was there to score
    assert rows["full"]["parameters"] == "14.71 M" and rows["full"]["GFLOPs"] == "2.000"
    assert rows["full"]["latency"] == "2.00" and rows["full"]["saved activations"] == "1.50"


def test_one_seed_has_no_deviation_and_percents_have_two_digits():
    results = {"a": {0: {"test": {"mIoU": 49.514}}}, "b": {0: {"test": {"mIoU": 49.018}}}}
    rows = cells(ablation_table(results, "mIoU"))
    assert rows["a"]["mIoU"] == "49.51"
    assert rows["b"]["difference to a"] == "-0.50 (0 of 1)"


def test_csv_has_a_row_for_each_run():
    rows = list(csv.DictReader(io.StringIO(ablation_csv({0.5: RESULTS, 1.0: RESULTS}))))
    assert len(rows) == 10
    assert rows[3] == {
        "variant": "full",
        "fraction": "0.5",
        "seed": "0",
        "seconds": "5.0",
        f"test/{AP}": "0.52",
        f"test/{SMALL}": "-1.0",
        f"train/{AP}": "0.8",
    }


def test_plots_are_drawn(tmp_path):
    plot_costs(RESULTS, AP, COSTS, tmp_path / "costs.png")
    plot_fractions({0.1: RESULTS, 1.0: RESULTS}, AP, tmp_path / "fractions.png")
    for name in ("costs", "fractions"):
        picture = read_image(tmp_path / f"{name}.png")
        assert picture.shape[0] > 300 and picture.std() > 5


def test_variants_may_lack_runs_on_a_part_of_the_data(tmp_path):
    """As after failed runs."""
    part = {"plain": RESULTS["plain"]}
    plot_fractions({0.1: part, 1.0: RESULTS}, AP, tmp_path / "fractions.png")
    assert read_image(tmp_path / "fractions.png").std() > 5
