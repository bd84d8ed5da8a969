"""Pairs that do not fit are found, each with its file and reason."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from msa_backbone.data.modalities.check import modality_defects
from msa_backbone.data.modalities.statistics import ValueStatistics
from msa_backbone.files.modality_files import Modality

MODALITIES = (
    Modality("visible", 3, "visible", mean=[120.0, 130, 125], std=75.0),
    Modality("infrared", 1, "infrared", mean=[128.0], std=75.0),
    Modality("depth", 1, "depth", unknown=True, mean=30_000.0, std=20_000.0),
)
RNG = np.random.default_rng(0)


def write(file: Path, channels: int = 1, size: tuple[int, int] = (6, 8), depth=np.uint8) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    top = np.iinfo(depth).max
    cv2.imwrite(str(file), RNG.integers(0, top, (*size, channels), depth).squeeze())
    return file


@pytest.fixture
def images(tmp_path) -> dict[str, list[Path]]:
    found = {}
    for split, names in {"train": "abcd", "val": "ef"}.items():
        found[split] = [write(tmp_path / f"visible/{split}/{name}.jpg", 3) for name in names]
        for name in names:
            write(tmp_path / f"infrared/{split}/{name}.png")
            write(tmp_path / f"depth/{split}/{name}.tif", depth=np.uint16)
    return found


def test_sound_pairs_have_no_defects(images):
    steps = []
    errors, notes = modality_defects(images, MODALITIES, lambda *done: steps.append(done))
    assert errors == []
    assert notes == [
        "train: 4 of 4 visible pictures with infrared and depth",
        "val: 2 of 2 visible pictures with infrared and depth",
    ]
    assert steps[-1] == (6, 6)


def test_each_defect_is_told_with_its_file(images, tmp_path):
    (tmp_path / "infrared/train/a.png").unlink()
    write(tmp_path / "depth/train/b.png", depth=np.uint16)
    write(tmp_path / "infrared/train/c.png", size=(6, 9))
    write(tmp_path / "infrared/train/d.png", channels=3)
    (tmp_path / "depth/val/e.tif").write_bytes(b"no image")
    errors, notes = modality_defects(images, MODALITIES)
    expected = [
        rf"train: .*visible/train/a\.jpg: no infrared file {tmp_path}/infrared/train/a\.\*; add it",
        r"train: .*depth/train: b\.png and b\.tif both fit .*visible/train/b\.jpg; remove one",
        r"train: .*infrared/train/c\.png: 9 x 6 pixels, but .*visible/train/c\.jpg has 8 x 6",
        r"train: .*infrared/train/d\.png: 3 channels, but infrared has channels=1",
        r"val: .*depth/val/e\.tif: ",
    ]
    assert len(errors) == len(expected)
    for line, pattern in zip(errors, expected, strict=True):
        assert re.match(pattern, line), line
    assert notes[:2] == [
        "train: 0 of 4 visible pictures with infrared and depth",
        "val: 1 of 2 visible pictures with infrared and depth",
    ]


def test_pictures_without_a_reference_are_told(images, tmp_path):
    write(tmp_path / "infrared/val/z.png")
    write(tmp_path / "infrared/val/y.png")
    (tmp_path / "infrared/val/notes.txt").touch()
    (tmp_path / "infrared/val/._y.png").touch()  # macOS
    errors, notes = modality_defects(images, MODALITIES)
    assert errors == []
    assert notes[2:] == [
        "infrared pictures without a visible one, which are not used: 2, first "
        f"{tmp_path / 'infrared/val/y.png'}"
    ]


def test_both_cameras_in_one_folder(tmp_path):
    both = (
        Modality("visible", 3, "images", "_rgb.jpg", mean=125.0, std=75.0),
        Modality("infrared", 1, "images", "_ir.png", mean=128.0, std=75.0),
    )
    files = [write(tmp_path / f"images/{name}_rgb.jpg", 3) for name in "ab"]
    for name in "abc":
        write(tmp_path / f"images/{name}_ir.png")
    errors, notes = modality_defects({"train": files}, both)
    assert errors == [] and notes == [
        "train: 2 of 2 visible pictures with infrared",
        "infrared pictures without a visible one, which are not used: 1, first "
        f"{tmp_path / 'images/c_ir.png'}",
    ]


def test_beyond_the_limit_only_the_files_are_looked_for(images, tmp_path):
    write(tmp_path / "infrared/val/e.png", size=(6, 9))
    (tmp_path / "infrared/val/f.png").unlink()
    errors, _ = modality_defects(images, MODALITIES, full_decode_limit=4)
    assert len(errors) == 1 and "f.jpg: no infrared file" in errors[0]
    errors, _ = modality_defects(images, MODALITIES, full_decode_limit=5)
    assert len(errors) == 2 and "9 x 6" in errors[0]


def test_values_that_the_config_does_not_fit_are_told(images, tmp_path):
    for name in "abcd":
        write(tmp_path / f"infrared/train/{name}.png", depth=np.uint16)
    _, notes = modality_defects(images, MODALITIES)
    line = notes[-1]
    assert len(notes) == 3 and line.startswith("infrared: the values have mean 3")
    assert "the config normalises by 128 and 75; correct mean and std" in line


def stacks_of(depth: float) -> list[np.ndarray]:
    """Scenes of three channels around 7, and of a depth with unknown places."""
    stacks = []
    for _ in range(3):
        stack = RNG.normal(7, 2, (5, 6, 5)).astype(np.float32)
        stack[..., 4] = RNG.random((5, 6)) < 0.5
        stack[..., 3] = np.where(stack[..., 4] > 0, depth + stack[..., 3], 0)
        stacks.append(stack)
    return stacks


def lines(stacks: list[np.ndarray], first: tuple, second: tuple) -> list[str]:
    """What is told of scenes that are normalised by these means and deviations."""
    visible = Modality("visible", 3, mean=first[0], std=first[1])
    depth = Modality("depth", 1, unknown=True, mean=second[0], std=second[1])
    statistics = ValueStatistics((visible, depth))
    for stack in stacks:
        statistics.add(stack)
    return statistics.lines()


def test_mean_and_deviation_are_those_of_numpy():
    """Over all channels of several scenes; unknown places do not count."""
    stacks = stacks_of(900)
    every = np.stack(stacks).astype(np.float64)
    known = every[..., 3][every[..., 4] > 0]
    told = lines(stacks, (0, 1), (0, 1))
    for line, values in zip(told, (every[..., :3], known), strict=True):
        assert f"mean {values.mean():.4g} and deviation {values.std():.4g}, " in line


@pytest.mark.parametrize("scale", [2.0, 1.0, 0.01])
def test_the_scale_of_all_is_the_configs_matter(scale):
    """Weights of Caffe take 0 to 255; what counts is how modalities compare."""
    stacks = stacks_of(900)
    assert lines(stacks, (7, scale), (907, scale)) == []
    assert lines(stacks, (7, scale), (907, 3 * scale)) == []
    (line,) = lines(stacks, (7, scale), (907, 10 * scale))
    assert line.startswith("depth: ")
    (line,) = lines(stacks, (7, scale), (990, scale))
    assert "normalises by 990" in line
