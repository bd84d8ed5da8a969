"""Runs side by side: numbers of the table, and what the picture shows."""

import json

import numpy as np
import pytest
from PIL import Image

from msa_backbone.plots.comparison import compare, read_scores


def work_dir(path, scores):
    folder = path / "20260101_000000" / "vis_data"
    folder.mkdir(parents=True)
    records = [{"start_iter": 0, "step": 0}, {"loss": 1.0, "step": 1}]
    records += [{"mIoU": value, "step": step} for step, value in scores.items()]
    (folder / "scalars.json").write_text("\n".join(map(json.dumps, records)))
    return path


def test_scores_are_read_from_a_work_dir(tmp_path):
    assert read_scores(work_dir(tmp_path, {10: 1.0, 20: 3.0}), "mIoU") == {10: 1.0, 20: 3.0}
    with pytest.raises(ValueError, match=r"no scores 'mAP'; it has mIoU"):
        read_scores(tmp_path, "mAP")
    with pytest.raises(ValueError, match="holds no validation"):
        read_scores(tmp_path / "nowhere", "mIoU")


def test_table_and_picture(tmp_path):
    runs = {
        "one": [{10: 1.0, 20: 5.0, 30: 4.0}],
        "two seeds": [{10: 1.0, 20: 2.0, 30: 3.0}, {10: 3.0, 30: 5.0}],
    }
    table = compare(runs, "mIoU", tmp_path / "new/out.png")
    assert table.splitlines()[2:] == [
        "| one | 1 | 4.00 | 5.00 | 20 |",
        "| two seeds | 2 | 4.00 ± 1.41 | 4.00 | 30 |",
    ]
    close = compare({"a": [{1: 0.584}, {1: 0.589}], "b": [{1: 0.588}]}, "AP", tmp_path / "x.png")
    assert close.splitlines()[2:] == [
        "| a | 2 | 0.5865 ± 0.0035 | 0.5865 | 1 |",
        "| b | 1 | 0.5880 | 0.5880 | 1 |",
    ]
    picture = np.asarray(Image.open(tmp_path / "new/out.png").convert("RGB"))
    assert picture.shape == (504, 780, 3)
    colours = {tuple(pixel) for pixel in picture.reshape(-1, 3)}
    assert {(31, 119, 180), (255, 127, 14)} <= colours  # a line each


def test_runs_of_a_name_have_to_share_steps(tmp_path):
    with pytest.raises(ValueError, match="a: its runs were not validated at the same steps"):
        compare({"a": [{1: 1.0}, {2: 1.0}]}, "mIoU", tmp_path / "out.png")
    with pytest.raises(ValueError, match="a: its mIoU is NaN throughout"):
        compare({"a": [{1: float("nan")}]}, "mIoU", tmp_path / "out.png")
