from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from msa_backbone.errors import DataError
from msa_backbone.files.modality import modalities_of
from msa_backbone.files.modality_files import (
    Modality,
    partner,
    read_modality,
    read_stack,
)

VISIBLE, INFRARED = Modality("visible", 3), Modality("infrared", 1)
DEPTH = Modality("depth", 1, unknown=True)
RNG = np.random.default_rng(0)


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def write(file: Path, values: np.ndarray) -> Path:
    """Colours are given as OpenCV has them, BGR."""
    if file.suffix == ".npy":
        np.save(file, values[..., ::-1] if values.shape[2:] == (3,) else values)
    else:
        assert cv2.imwrite(str(file), values)
    return file


@pytest.mark.parametrize(
    ("image", "other", "file"),
    [
        ("visible/train/a.jpg", INFRARED, "infrared/train/a.png"),
        ("train/visible/a.b.jpg", INFRARED, "train/infrared/a.b.TIF"),
        ("visible/x/visible/deep/a.png", INFRARED, "visible/x/infrared/deep/a.npy"),
        ("visible/a.jpg", Modality("ir", 1, "thermal/left"), "thermal/left/a.jpg"),
        ("visible/a.jpg", Modality("ir", 1, "infrared", "_ir.dat.png"), "infrared/a_ir.dat.png"),
    ],
)
def test_the_partner_is_found(image, other, file, tmp_path):
    touch(tmp_path / file)
    assert partner(tmp_path / image, VISIBLE, other) == tmp_path / file


def test_a_folder_may_be_absolute(tmp_path):
    touch(tmp_path / "elsewhere/train/a.png")
    reference = Modality("visible", 3, folder=str(tmp_path / "images"))
    other = Modality("infrared", 1, folder=str(tmp_path / "elsewhere"))
    found = partner(tmp_path / "images/train/a.jpg", reference, other)
    assert found == tmp_path / "elsewhere/train/a.png"


def test_absent_modalities_in_a_stack(tmp_path):
    """Channels and masks stay where they are: zeros, known nowhere."""
    grey = RNG.integers(1, 255, (4, 6), np.uint8)
    paths = [None, write(tmp_path / "ir.png", grey), None]
    modalities = (Modality("visible", 3, mean=[1.0, 2, 3]), INFRARED, DEPTH)
    stack = read_stack(paths, modalities)
    assert stack.shape == (4, 6, 6) and stack.dtype == np.float32
    assert np.array_equal(stack[..., 3], grey) and not np.delete(stack, 3, axis=2).any()
    assert read_stack(paths[:2], modalities[:2]).dtype == np.uint8


def test_a_partner_of_another_suffix_is_named(tmp_path):
    touch(tmp_path / "infrared/a_ir.png", tmp_path / "infrared/a1.png", tmp_path / "visible/a.jpg")
    match = r"no infrared file .*/a\.\*; if it is a_ir\.png, set the suffix of infrared, else add"
    with pytest.raises(DataError, match=match):
        partner(tmp_path / "visible/a.jpg", VISIBLE, INFRARED)
    (tmp_path / "infrared/a_ir.png").unlink()
    with pytest.raises(DataError, match=r"/a\.\*; add it, or leave the scene out"):
        partner(tmp_path / "visible/a.jpg", VISIBLE, INFRARED)


def test_suffixes_alone_may_tell_modalities_apart(tmp_path):
    touch(tmp_path / "images/a_ir.png", tmp_path / "images/a.png")
    reference = Modality("visible", 3, "images", "_rgb.jpg")
    infrared = Modality("infrared", 1, "images", "_ir.png")
    assert partner(tmp_path / "images/a_rgb.jpg", reference, infrared).name == "a_ir.png"
    with pytest.raises(DataError, match=r"a.jpg: visible files end in '_rgb.jpg'"):
        partner(tmp_path / "images/a.jpg", reference, infrared)


def test_partners_that_are_not_there_or_not_certain(tmp_path):
    image = tmp_path / "visible/a.jpg"
    touch(image, tmp_path / "infrared/ab.png")
    with pytest.raises(DataError, match=r"visible/a.jpg: no infrared file .*infrared/a\.\*; add"):
        partner(image, VISIBLE, INFRARED)
    touch(tmp_path / "infrared/a.png", tmp_path / "infrared/a.npy")
    with pytest.raises(DataError, match=r"infrared: a.npy and a.png both fit .*visible/a.jpg"):
        partner(image, VISIBLE, INFRARED)
    assert partner(image, VISIBLE, Modality("infrared", 1, suffix=".npy")).suffix == ".npy"
    with pytest.raises(DataError, match="lies in no folder 'rgb'"):
        partner(image, Modality("rgb", 3), INFRARED)


def test_colours_of_arrays_are_those_of_image_files(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (5, 4, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.save(tmp_path / "a.npy", picture)
    of_file, of_array = (read_modality(tmp_path / f"a.{s}", VISIBLE)[0] for s in ("png", "npy"))
    np.testing.assert_array_equal(of_file, picture[..., ::-1])
    np.testing.assert_array_equal(of_array, of_file)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_bit_is_read(suffix, dtype, channels, tmp_path):
    stored = RNG.integers(0, np.iinfo(dtype).max, (5, 7, channels), endpoint=True).astype(dtype)
    file = write(tmp_path / f"a{suffix}", stored)
    values, known = read_modality(file, Modality("any", channels))
    assert values.dtype == dtype and known is None
    np.testing.assert_array_equal(values, stored)


def test_arrays_of_other_types(tmp_path):
    metres = RNG.random((5, 7)).astype(np.float32)
    for file in (tmp_path / "a.tif", tmp_path / "a.npy"):
        np.testing.assert_array_equal(
            read_modality(write(file, metres), INFRARED)[0][..., 0], metres
        )
    signed = np.array([[-5, 2**24]], np.int32)
    values, _ = read_modality(write(tmp_path / "b.npy", signed), INFRARED)
    assert values.dtype == np.float32 and values[..., 0].tolist() == [[-5, 2**24]]
    with pytest.raises(DataError, match=r"c.npy: integers beyond 2\*\*24"):
        read_modality(write(tmp_path / "c.npy", np.array([[2**24 + 1]])), INFRARED)


def test_grey_and_colour(tmp_path):
    grey = RNG.integers(0, 256, (5, 7, 1)).astype(np.uint8)
    three, one = Modality("any", 3), Modality("any", 1)
    file = write(tmp_path / "grey.png", grey)
    np.testing.assert_array_equal(read_modality(file, three)[0], grey.repeat(3, axis=2))
    file = write(tmp_path / "equal.png", grey.repeat(3, axis=2))
    np.testing.assert_array_equal(read_modality(file, one)[0], grey)
    file = write(tmp_path / "colour.png", RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8))
    with pytest.raises(DataError, match=r"colour.png: 3 channels, but any has channels=1"):
        read_modality(file, one)
    file = write(tmp_path / "two.npy", np.zeros((5, 7, 2)))
    with pytest.raises(DataError, match=r"two.npy: 2 channels, but any has channels=3"):
        read_modality(file, three)
    file = write(tmp_path / "one.npy", np.zeros((5, 7)))
    with pytest.raises(DataError, match=r"one.npy: 1 channels, but any has channels=3"):
        read_modality(file, three)


def test_unknown_places(tmp_path):
    depth = np.array([[0, np.nan, np.inf, -np.inf, 0.5]], np.float32)
    file = write(tmp_path / "a.npy", depth)
    values, known = read_modality(file, DEPTH)
    assert values[..., 0].tolist() == [[0, 0, 0, 0, 0.5]]
    assert known[..., 0].tolist() == [[False, False, False, False, True]]
    with pytest.raises(DataError, match=r"a.npy: 3 values are NaN or infinite; .*unknown=True"):
        read_modality(file, INFRARED)


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "a.png"), (b"no image", "a.png"), (b"no array", "a.npy"), (b"", "a.npy")],
)
def test_unreadable_files(content, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=f"{name}: unreadable"):
        read_modality(tmp_path / name, INFRARED)


@pytest.mark.parametrize(
    "values", [np.array(["text"]), np.zeros((2, 2), complex), np.zeros((0, 3)), np.zeros(4)]
)
def test_arrays_that_are_no_pictures(values, tmp_path):
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(DataError, match=r"a.npy: an array of shape"):
        read_modality(tmp_path / "a.npy", INFRARED)


def test_the_stack(tmp_path):
    colour = RNG.integers(0, 256, (5, 7, 3)).astype(np.uint8)
    grey = RNG.integers(0, 256, (5, 7, 1)).astype(np.uint8)
    depth = RNG.integers(0, 2**16, (5, 7, 1)).astype(np.uint16)
    depth[2] = 0
    files = [
        write(tmp_path / name, values)
        for name, values in (("colour.png", colour), ("grey.png", grey), ("depth.png", depth))
    ]
    stack = read_stack(files[:2], (VISIBLE, INFRARED))
    assert stack.dtype == np.uint8
    np.testing.assert_array_equal(stack, np.concatenate([colour, grey], axis=2))
    stack = read_stack(files, (VISIBLE, INFRARED, DEPTH))
    assert stack.dtype == np.float32
    np.testing.assert_array_equal(stack, np.concatenate([colour, grey, depth, depth > 0], axis=2))


def test_files_of_two_sizes(tmp_path):
    a = write(tmp_path / "a.png", np.zeros((5, 7, 3), np.uint8))
    b = write(tmp_path / "b.png", np.zeros((5, 8), np.uint8))
    with pytest.raises(DataError, match=r"b.png: 8 x 5 pixels, but .*a.png has 7 x 5"):
        read_stack([a, b], (VISIBLE, INFRARED))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"channels": 0}, "channels=0 is no positive integer"),
        ({"mean": [1, 2]}, r"mean=\[1, 2\] does not fit 3 channels"),
        ({"std": [1, 0, 1]}, "has to be positive"),
        ({"channels": 1, "bgr_to_rgb": True}, "is for colours, but it has 1 channels"),
    ],
)
def test_modalities_that_do_not_fit(change, match):
    with pytest.raises(ValueError, match=match):
        modalities_of([{"name": "visible", "channels": 3, **change}])


def test_names_of_modalities():
    with pytest.raises(ValueError, match="each once"):
        modalities_of([{"name": "a", "channels": 3}, {"name": "a", "channels": 1}])
    with pytest.raises(ValueError, match="one or more"):
        modalities_of([])
