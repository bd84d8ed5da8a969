"""Pictures as training sees them, against mmcv, and files that are none."""

import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from msa_backbone.errors import DataError
from msa_backbone.files.images import (
    ImageError,
    image_facts,
    image_size,
    is_dark,
    read_image,
    stored_orientation,
)


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


def grey(picture: np.ndarray) -> np.ndarray:
    return picture[..., 0]


KINDS = {
    "rgb": Image.fromarray,
    "grey": lambda p: Image.fromarray(grey(p)),
    "one bit": lambda p: Image.fromarray(grey(p)).convert("1"),
    "palette": lambda p: Image.fromarray(p).convert("P", palette=Image.Palette.ADAPTIVE),
    "alpha": lambda p: Image.fromarray(np.dstack([p, grey(p)])),
    "grey with alpha": lambda p: Image.fromarray(np.dstack([grey(p), 255 - grey(p)])),
    "cmyk": lambda p: Image.fromarray(p).convert("CMYK"),
    "16 bits": lambda p: Image.fromarray(grey(p).astype(np.uint16) * 256 + 77),
    "12 bits": lambda p: Image.fromarray(grey(p).astype(np.uint16) * 16),
}
WRITTEN = [
    (kind, ending)
    for kind in KINDS
    for ending in (".jpg", ".png", ".bmp", ".tif", ".tiff", ".webp")
    if not (ending == ".jpg" and kind not in ("rgb", "grey", "one bit", "cmyk"))
    and not (kind == "cmyk" and ending in (".png", ".bmp"))
    and not (ending == ".bmp" and kind in ("grey with alpha", "16 bits", "12 bits"))
]


@pytest.mark.parametrize(("kind", "ending"), WRITTEN)
def test_what_is_read_is_what_mmcv_reads(picture, tmp_path, kind, ending):
    mmcv = pytest.importorskip("mmcv")
    path = tmp_path / f"über {kind}{ending}"
    KINDS[kind](picture).save(path)
    read = read_image(path)
    assert read.dtype == np.uint8 and read.flags.c_contiguous and read.flags.writeable
    expected = mmcv.imfrombytes(path.read_bytes(), backend="cv2", channel_order="rgb")
    assert np.array_equal(read, expected)
    facts = image_facts(path, decode=True)
    assert (facts.height, facts.width) == read.shape[:2] and facts.brightest == read.max()
    assert image_facts(path, decode=False).width == image_size(path)[0] == facts.width


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_head_alone_says_what_training_turns(picture, tmp_path, ending, orientation):
    """EXIF turns JPEG, PNG and TIFF in training, and WebP not."""
    mmcv = pytest.importorskip("mmcv")
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{ending}"
    Image.fromarray(picture).save(path, exif=exif)
    expected = mmcv.imfrombytes(path.read_bytes(), backend="cv2", channel_order="rgb")
    assert np.array_equal(read_image(path), expected)
    for decode in (False, True):
        facts = image_facts(path, decode)
        assert (facts.height, facts.width) == expected.shape[:2]
        assert facts.orientation == (1 if ending == ".webp" else orientation)
    assert stored_orientation(path) == orientation


def app1(content: bytes) -> bytes:
    return b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content


XMP = app1(b'http://ns.adobe.com/xap/1.0/\0<x:xmpmeta><a tiff:Orientation="6"/></x:xmpmeta>')


@pytest.mark.parametrize(
    ("before", "after", "orientation"),
    [(b"", b"", 6), (XMP, b"", 1), (b"", XMP, 6), (app1(b"Exif\0\0garbage!"), b"", 1)],
)
def test_odd_exif_is_obeyed_as_opencv_obeys_it(picture, tmp_path, before, after, orientation):
    """OpenCV looks into the first APP1 segment alone; Pillow would look further."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "a.jpg"
    Image.fromarray(picture).save(path, exif=exif)
    content = path.read_bytes()
    start = content.index(b"\xff\xe1")
    end = start + 2 + int.from_bytes(content[start + 2 : start + 4], "big")
    path.write_bytes(content[:start] + before + content[start:end] + after + content[end:])
    facts = image_facts(path, decode=False)
    assert facts.orientation == orientation
    assert (facts.height, facts.width) == read_image(path).shape[:2]


def test_an_exif_chunk_behind_the_pixels_counts_too(picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 8
    path = tmp_path / "a.png"
    Image.fromarray(picture).save(path, exif=exif)
    content = path.read_bytes()
    start = content.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(content[start : start + 4], "big")
    path.write_bytes(content[:start] + content[end:-12] + content[start:end] + content[-12:])
    assert image_size(path) == (24, 40) and read_image(path).shape == (40, 24, 3)


def test_colours_of_grey_cmyk_alpha_and_palettes(picture, tmp_path):
    Image.fromarray(grey(picture).astype(np.uint16) * 257).save(tmp_path / "sixteen.png")
    assert np.array_equal(read_image(tmp_path / "sixteen.png")[..., 1], grey(picture))
    Image.fromarray(picture).convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95)
    difference = read_image(tmp_path / "cmyk.jpg").astype(int) - picture
    assert np.abs(difference).max() < 16
    Image.fromarray(grey(picture)).save(tmp_path / "grey.png")
    assert np.array_equal(read_image(tmp_path / "grey.png")[..., 2], grey(picture))
    alpha = np.dstack([picture, np.full_like(grey(picture), 9)])
    Image.fromarray(alpha).save(tmp_path / "alpha.png")
    assert np.array_equal(read_image(tmp_path / "alpha.png"), picture)
    flat = Image.new("P", (3, 2))
    flat.putpalette([10, 20, 30])
    flat.save(tmp_path / "palette.png")
    assert (read_image(tmp_path / "palette.png") == (10, 20, 30)).all()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (np.zeros((4, 4), np.float32), "32-bit floats"),
        (np.zeros((4, 4), np.int32), "32-bit whole numbers"),
        (np.zeros((4, 4), np.float64), "unknown pixel mode"),
        (np.zeros((4, 4, 3), np.float64), "unknown pixel mode"),
    ],
)
def test_numbers_that_training_cannot_read_are_said(tmp_path, capfd, values, words):
    path = tmp_path / "a.tif"
    cv2.imwrite(str(path), values)
    if words == "32-bit whole numbers":
        Image.fromarray(values).save(path)
    capfd.readouterr()
    for read in (read_image, image_size, lambda path: image_facts(path, decode=False)):
        with pytest.raises(ImageError, match=rf"{words}\); save it as PNG or TIFF with 8 or 16"):
            read(path)
    assert capfd.readouterr().err == ""


def test_beyond_pillows_limit_an_image_is_read_and_beyond_opencvs_it_is_called_too_large(tmp_path):
    size = 14000, 13000  # 182 million; Pillow refuses 179
    Image.new("1", size).save(tmp_path / "large.png")
    Image.new("1", size).save(tmp_path / "large.tif", compression="group4")
    assert image_size(tmp_path / "large.png") == size
    assert image_facts(tmp_path / "large.tif", decode=False).width == size[0]
    content = (tmp_path / "large.png").read_bytes()
    for name, sides in (("larger", (32768, 32769)), ("longer", (2**20 + 1, 4))):
        head = b"IHDR" + b"".join(side.to_bytes(4, "big") for side in sides) + content[24:29]
        checked = head + zlib.crc32(head).to_bytes(4, "big")
        (tmp_path / f"{name}.png").write_bytes(content[:12] + checked + content[33:])
    for name in ("larger", "longer"):
        for decode in (False, True):
            with pytest.raises(ImageError) as caught:
                image_facts(tmp_path / f"{name}.png", decode)
            assert "too large for OpenCV" in str(caught.value)
            assert "tiles, or set OPENCV_IO_MAX_IMAGE_PIXELS" in str(caught.value)
            assert "replace" not in str(caught.value)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".tif", ".webp"])
@pytest.mark.parametrize("decode", [False, True])
def test_files_that_end_too_early_are_found(tmp_path, ending, decode):
    path = tmp_path / f"cut{ending}"
    Image.effect_noise((64, 48), 60).convert("RGB").save(path)
    image_facts(path, decode)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ImageError, match=r"unreadable image \(.+\); replace the file"):
        image_facts(path, decode)


def test_almost_black_images_are_noticed(picture, tmp_path):
    facts = []
    for name, kind in (("a", "12 bits"), ("b", "16 bits")):
        KINDS[kind](picture).save(tmp_path / f"{name}.png")
        facts.append(image_facts(tmp_path / f"{name}.png", decode=True))
    assert facts[0].brightest == grey(picture).max() // 16
    assert is_dark(facts[:1]) and not is_dark(facts) and not is_dark([])
    assert not is_dark([image_facts(tmp_path / "a.png", decode=False)])


def test_files_that_are_no_whole_pictures_are_named(picture, tmp_path):
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").write_bytes(b"")
    Image.fromarray(picture).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "half.jpg").write_bytes(content[: len(content) // 2])
    for name in ("text.jpg", "empty.png", "half.jpg", "gone.jpg"):
        with pytest.raises(DataError, match=rf"{name}: unreadable image \("):
            read_image(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xe0" + bytes(3000),  # a disk that lost the rest
        b"\xff\xe0\0\1" + bytes(3000),
        b"\xff\xe0\0",
        b"\xff\xc0\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xd9",  # no pixels before its end
    ],
)
@pytest.mark.parametrize("decode", [False, True])
def test_a_damaged_jpeg_is_named(tmp_path, content, decode):
    path = tmp_path / "damaged.jpg"
    path.write_bytes(b"\xff\xd8" + content)
    for read in (image_size, lambda path: image_facts(path, decode)):
        with pytest.raises(ImageError, match=r"damaged.jpg: unreadable image \("):
            read(path)


def test_a_webp_with_exif_of_four_bytes_is_not_turned(picture, tmp_path):
    path = tmp_path / "a.webp"
    Image.fromarray(picture).save(path, exif=b"II*\0")
    assert stored_orientation(path) == 1 and image_facts(path, decode=True).width == 40
