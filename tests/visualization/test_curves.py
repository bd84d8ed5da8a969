"""Curves are read from mmengine's log and drawn as they are."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib")
from msa_backbone.visualization import curves
from msa_backbone.visualization.curves import plot_curves, read_records
from msa_backbone.visualization.pictures import read_picture, save_grid


def log(work_dir, run, epochs, loss):
    """Two training records and a validation an epoch, as LocalVisBackend writes them."""
    start = 2 * (epochs[0] - 1)
    lines = [{"start_iter": start, "step": start}]
    for epoch in epochs:
        for step in (2 * epoch - 1, 2 * epoch):
            lines.append({"loss": loss, "loss_cls": loss / 2, "epoch": epoch, "step": step})
        lines.append({"coco/bbox_mAP_50": loss / 10, "data_time": 0.1, "step": epoch})
    folder = work_dir / run / "vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_text("\n".join(map(json.dumps, lines)) + "\n")


def losses(work_dir):
    training, validation = read_records(work_dir)
    assert [record["step"] for record in training] == list(range(1, len(training) + 1))
    assert [record["step"] for record in validation] == list(range(1, len(validation) + 1))
    return [record["loss"] for record in training], [10 * r["coco/bbox_mAP_50"] for r in validation]


def test_nothing_was_logged_yet(tmp_path):
    assert read_records(tmp_path) == ([], [])


def test_a_resumed_training_goes_on_where_it_was_resumed(tmp_path):
    log(tmp_path, "20260101_000000", (1, 2, 3), loss=1.0)
    log(tmp_path, "20260102_000000", (3, 4), loss=2.0)  # from the checkpoint of epoch 2
    assert losses(tmp_path) == ([1.0] * 4 + [2.0] * 4, [1.0] * 2 + [2.0] * 2)
    log(tmp_path, "20260103_000000", (5,), loss=3.0)
    assert losses(tmp_path)[1] == [1.0, 1.0, 2.0, 2.0, 3.0]


def test_a_training_from_the_start_replaces_what_was_there(tmp_path):
    log(tmp_path, "20260101_000000", (1, 2, 3), loss=1.0)
    log(tmp_path, "20260102_000000", (1,), loss=2.0)
    assert losses(tmp_path) == ([2.0, 2.0], [2.0])
    folder = tmp_path / "20260103_000000/vis_data"
    folder.mkdir(parents=True)
    # its first record comes later than the others' first one did
    lines = [{"start_iter": 0, "step": 0}, {"loss": 3.0, "step": 20}]
    (folder / "scalars.json").write_text("\n".join(map(json.dumps, lines)))
    assert read_records(tmp_path) == ([{"loss": 3.0, "step": 20}], [])


def test_a_test_in_the_work_dir_is_no_training(tmp_path):
    log(tmp_path, "20260101_000000", (1,), loss=1.0)
    folder = tmp_path / "20260102_000000/vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_text('{"coco/bbox_mAP_50": 0.9, "step": 0}')
    assert losses(tmp_path) == ([1.0, 1.0], [1.0])


def test_a_panel_for_scores_appears_with_the_first_validation(tmp_path):
    log(tmp_path, "run", (1, 2), loss=1.0)
    training, validation = read_records(tmp_path)
    plot_curves(training, [], tmp_path / "a.png")
    plot_curves(training, validation, tmp_path / "b.png")
    one, two = (Image.open(tmp_path / f"{name}.png").size for name in "ab")
    assert two[0] == 2 * one[0]
    assert two[1] == one[1]


def test_a_panel_for_attention_appears_with_its_first_figure(tmp_path, monkeypatch):
    log(tmp_path, "run", (1, 2), loss=1.0)
    training, validation = read_records(tmp_path)
    for record in training[1:]:
        record["attention/16"] = 0.1 * record["step"]
        record["attention/4"] = 0.2 * record["step"]
    monkeypatch.setattr(curves.plt, "close", lambda figure: drawn.append(figure.axes))
    drawn = []
    for scores in (validation, []):
        plot_curves(training, scores, tmp_path / "curves.png")
        *others, axis = drawn[-1]
        titles = ["Training loss", "Validation"] if scores else ["Training loss"]
        assert [other.get_title() for other in others] == titles
        assert axis.get_title() == "Attention: |f·ca·sa| / |x|"
        assert axis.get_xlabel() == "iteration"
        lines = {line.get_label(): line.get_xydata() for line in axis.lines}
        assert list(lines) == [text.get_text() for text in axis.get_legend().texts] == ["4", "16"]
        assert np.allclose(lines["4"], [[2, 0.4], [3, 0.6], [4, 0.8]])
        assert np.allclose(lines["16"], [[2, 0.2], [3, 0.3], [4, 0.4]])
        width, height = Image.open(tmp_path / "curves.png").size
        assert (width, height) == (660 * (len(others) + 1), 480)


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


def test_a_last_line_that_is_half_written_is_left_out(tmp_path):
    log(tmp_path, "20260101_000000", epochs=[1, 2], loss=1.0)
    file = next(tmp_path.rglob("scalars.json"))
    before = read_records(tmp_path)
    complete = file.read_text()
    file.write_text(complete + '{"loss": 0.5, "st')
    assert read_records(tmp_path) == before
    file.write_text('{"loss": 0.5, "st\n' + complete)
    with pytest.raises(ValueError, match=r"scalars.json: record 1 is no JSON"):
        read_records(tmp_path)
