"""Pictures of every odd kind, and what names them."""

import cv2
import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.annotations import DataError
from msa_backbone.data.sources import (
    ImageFile,
    Stream,
    find_sources,
    frames_of,
    open_stream,
    read_image,
)


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth, so that JPEG changes it little; no symmetry."""
    rows, columns = np.mgrid[:24, :40]
    planes = [6 * columns, 9 * rows, 4 * columns + 3 * rows]
    return np.stack(planes, axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_turned_back(picture, tmp_path, orientation):
    turns = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a.transpose(1, 0, 2), 2),
        8: lambda a: np.rot90(a, -1),
    }
    stored = turns.get(orientation, lambda a: a)(picture)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(read_image(tmp_path / "a.png"), picture)


def test_sixteen_bits_cmyk_grey_alpha_and_palettes(picture, tmp_path):
    grey = picture[..., 0]
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    assert np.array_equal(read_image(tmp_path / "sixteen.png"), np.stack([grey] * 3, axis=-1))
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    difference = read_image(tmp_path / "cmyk.jpg").astype(int) - picture
    assert np.abs(difference).max() < 16
    Image.fromarray(grey).save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "grey.png")[..., 2], grey)
    alpha = np.dstack([picture, np.full_like(grey, 9)])
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    assert np.array_equal(read_image(tmp_path / "alpha.png"), picture)
    flat = Image.new("P", (3, 2))
    flat.putpalette([10, 20, 30])
    flat.save(tmp_path / "palette.png")
    assert (read_image(tmp_path / "palette.png") == (10, 20, 30)).all()


def test_files_that_are_no_whole_pictures_are_named(picture, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(picture).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    for name in ("text.jpg", "empty.png", "half.jpg", "gone.jpg"):
        with pytest.raises(DataError, match=rf"{name}: unreadable image \("):
            read_image(tmp_path / name)


def test_folders_patterns_files_and_cameras(tmp_path, monkeypatch):
    for name in ("a/one.JPG", "a/b/two.png", "a/notes.txt", "a/film.mp4", "c/three.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder, pattern = str(tmp_path / "a"), str(tmp_path / "c/*.webp")
    images, streams = find_sources([folder, pattern, "0"])
    assert images == [
        ImageFile(tmp_path / "a/b/two.png", "b/two.png"),
        ImageFile(tmp_path / "a/one.JPG", "one.JPG"),
        ImageFile(tmp_path / "c/three.webp", "three.webp"),
    ]
    assert streams == [Stream(str(tmp_path / "a/film.mp4"), "film.mp4"), Stream(0, "camera0")]
    assert find_sources([folder, folder]) == find_sources([folder])


def test_inputs_that_name_nothing_or_one_name_twice(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.png").touch()
    with pytest.raises(DataError, match="no such file, folder or pattern"):
        find_sources([str(tmp_path / "gone.jpg")])
    with pytest.raises(DataError, match="holds no image and no video"):
        find_sources([str(tmp_path / "empty")])
    with pytest.raises(DataError, match=r"y/same.png: another input is called same.png too"):
        find_sources([str(tmp_path / "x"), str(tmp_path / "y")])


def test_frames_are_rgb_and_can_be_limited(tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for _ in range(5):
        writer.write(np.full((24, 32, 3), (0, 0, 220), np.uint8))  # red, as BGR
    writer.release()
    for most, count in ((None, 5), (2, 2)):
        with open_stream(Stream(str(path), "film.avi")) as capture:
            frames = list(frames_of(capture, most))
        assert len(frames) == count and frames[0].shape == (24, 32, 3)
    red, green, blue = frames[0].reshape(-1, 3).mean(0)
    assert red > 200 and green < 20 and blue < 20
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(DataError, match="no video that OpenCV can open"):
        open_stream(Stream(str(tmp_path / "text.mp4"), "text.mp4")).__enter__()
