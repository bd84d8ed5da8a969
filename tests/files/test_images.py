"""Pictures as they are meant to be seen, and files that are none."""

import numpy as np
import pytest
from PIL import Image

from msa_backbone.errors import DataError
from msa_backbone.files.images import read_image


def test_pictures_are_turned_as_their_exif_says(tmp_path):
    picture = Image.new("RGB", (30, 20))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (30, 20, 3)


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
