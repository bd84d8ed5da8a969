"""Curves are read from mmengine's log and drawn as they are."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")
from msa_backbone.visualization.curves import plot_curves, read_scalars
from msa_backbone.visualization.pictures import read_picture, save_grid


def log(path, losses, scores=()):
    lines = [{"loss": x, "loss_cls": x / 2, "epoch": 1, "step": i} for i, x in enumerate(losses)]
    lines += [{"coco/bbox_mAP_50": x, "data_time": 0.1, "step": i} for i, x in enumerate(scores)]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_records_are_told_apart(tmp_path):
    training, validation = read_scalars(log(tmp_path / "s.json", [3.0, 2.0], [0.1]))
    assert [record["loss"] for record in training] == [3.0, 2.0]
    assert [record["coco/bbox_mAP_50"] for record in validation] == [0.1]


def test_a_panel_for_scores_appears_with_the_first_validation(tmp_path):
    assert plot_curves(log(tmp_path / "a.json", [3.0, 2.0]), tmp_path / "a.png")
    assert plot_curves(log(tmp_path / "b.json", [3.0, 2.0], [0.1, 0.4]), tmp_path / "b.png")
    one, two = (Image.open(tmp_path / f"{name}.png").size for name in "ab")
    assert two[0] == 2 * one[0]
    assert two[1] == one[1]


def test_nothing_is_drawn_without_a_training_record(tmp_path):
    assert not plot_curves(log(tmp_path / "s.json", []), tmp_path / "s.png")
    assert not (tmp_path / "s.png").exists()


def test_grid_places_every_picture(tmp_path):
    pictures = [np.full((10, 20, 3), value, np.uint8) for value in (10, 90, 170)]
    save_grid(pictures, tmp_path / "grid.png", columns=2, gap=4)
    grid = read_picture(tmp_path / "grid.png")
    assert grid.shape == (24, 44, 3)
    assert (grid[:10, :20] == 10).all()
    assert (grid[:10, 24:] == 90).all()
    assert (grid[14:, :20] == 170).all()
    assert (grid[14:, 24:] == 255).all()


def test_pictures_are_turned_as_their_exif_says(tmp_path):
    picture = Image.new("RGB", (30, 20))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_picture(tmp_path / "turned.jpg").shape == (30, 20, 3)
