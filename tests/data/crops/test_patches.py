"""Patches of segmented images: what is cut, of which class, from where, and how often."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.crops.patches import cut_square, make_patches
from msa_backbone.errors import DataError


@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 6), (8, 10), (4, 0)])
@pytest.mark.parametrize("side", [1, 4, 7, 30])
def test_a_square_is_what_numpys_reflection_gives(row, column, side):
    image = np.random.default_rng(0).integers(0, 255, (9, 11, 3), np.uint8)
    padded = np.pad(image, ((side, side), (side, side), (0, 0)), mode="reflect")
    top, left = row + side - side // 2, column + side - side // 2
    expected = padded[top : top + side, left : left + side]
    square = cut_square(image, row, column, side)
    assert np.array_equal(square, expected)
    assert np.array_equal(square[side // 2, side // 2], image[row, column])


def test_one_pixel_is_its_own_reflection():
    image = np.full((1, 1, 3), 7, np.uint8)
    assert np.array_equal(cut_square(image, 0, 0, 5), np.full((5, 5, 3), 7))


@pytest.fixture
def root(tmp_path) -> Path:
    """Red where the mask says a, green where b; 40 pixels of c, and 255."""
    for split, count in (("train", 3), ("val", 1), ("test", 1)):
        for number in range(count):
            mask = np.zeros((40, 60), np.uint8)
            mask[:, 30:] = 1
            mask[:10, :4] = 2
            mask[20:, :5] = 255
            colours = np.zeros((40, 60, 3), np.uint8)
            colours[mask == 0], colours[mask == 1] = (200, 0, 0), (0, 200, 0)
            for folder, array in (("images", colours), ("masks", mask)):
                file = tmp_path / "data" / folder / split / f"{number}.png"
                file.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(file)
    (tmp_path / "data/classes.txt").write_text("a\nb\nc\n")
    return tmp_path / "data"


def files(out: Path) -> dict[str, bytes]:
    return {str(f.relative_to(out)): f.read_bytes() for f in sorted(out.rglob("*.png"))}


def test_patches_show_the_class_of_their_folder(root, tmp_path):
    counts = make_patches(root, tmp_path / "out", side=1, size=3, per_image=4)
    assert counts == {
        "train": {"a": 12, "b": 12},
        "val": {"a": 4, "b": 4},
        "test": {"a": 4, "b": 4},
    }
    written = files(tmp_path / "out")
    assert len(written) == 40 and "train/a/0_3.png" in written
    for name in written:
        colour = (200, 0, 0) if "/a/" in name else (0, 200, 0)
        patch = np.asarray(Image.open(tmp_path / "out" / name))
        assert patch.shape == (3, 3, 3) and (patch == colour).all()


def test_masks_of_one_bit_and_of_sixteen_are_index_masks_too(root, tmp_path):
    """What a foreground and a background are often saved as, and what some tools always save."""
    (root / "classes.txt").write_text("a\nb\n")
    for number, path in enumerate(sorted((root / "masks").rglob("*.png"))):
        one_bit = np.asarray(Image.open(path)) == 1
        mask = Image.fromarray(one_bit if number % 2 else one_bit.astype(np.uint16))
        assert mask.mode == ("1" if number % 2 else "I;16")
        mask.save(path)
    counts = make_patches(root, tmp_path / "out", side=1, size=1, per_image=4)
    assert counts["train"] == {"a": 12, "b": 12}
    written = files(tmp_path / "out")
    for name in [name for name in written if "/b/" in name]:
        assert (np.asarray(Image.open(tmp_path / "out" / name)) == (0, 200, 0)).all()


def test_names_make_files_of_their_own(root, tmp_path):
    """Images and classes whose names differ in nothing that a file name holds."""
    for kind in ("images", "masks"):
        folder = root / kind / "train"
        (folder / "0").mkdir()
        (folder / "1.png").rename(folder / "0_0.png")
        (folder / "2.png").rename(folder / "0/0.png")
    (root / "classes.txt").write_text("..\n_\nc\n")
    make_patches(root, tmp_path / "out", side=1, size=1, per_image=1)
    own = [f"{c}/{i}_0.png" for c in ("_", "_-2") for i in ("0", "0_0", "0_0-2")]
    written = [f.removeprefix("train/") for f in files(tmp_path / "out") if "train" in f]
    assert sorted(written) == sorted(own)


def test_a_seed_gives_the_same_patches_whatever_else_there_is(root, tmp_path):
    make_patches(root, tmp_path / "first", side=9, size=9, seed=1)
    for kind in ("images", "masks"):
        (root / kind / "train/2.png").unlink()
    make_patches(root, tmp_path / "fewer", side=9, size=9, seed=1)
    make_patches(root, tmp_path / "other", side=9, size=9, seed=2)
    first, fewer, other = (files(tmp_path / name) for name in ("first", "fewer", "other"))
    assert fewer.items() < first.items()
    assert other.keys() == fewer.keys() and other != fewer


@pytest.mark.parametrize("name", ["side", "size", "per_image"])
def test_numbers_below_one_are_named(root, tmp_path, name):
    with pytest.raises(ValueError, match=f"{name}=0: give 1 or more"):
        make_patches(root, tmp_path / "out", **{name: 0})


def test_a_class_of_fewer_pixels_than_patches_gives_one_of_each(root, tmp_path):
    mask = np.zeros((40, 60), np.uint8)
    mask[0, :51] = 1
    for path in (root / "masks").rglob("*.png"):
        Image.fromarray(mask).save(path)
    counts = make_patches(root, tmp_path / "out", side=1, size=1, per_image=70)
    assert counts["val"] == {"a": 70, "b": 51}
    assert len(list((tmp_path / "out/val/b").iterdir())) == 51


def test_a_folder_that_is_there_is_kept(root, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="is there already"):
        make_patches(root, tmp_path / "out")


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda mask: mask.resize((120, 80), 0), "is 120 x 80, its image .* is 60 x 40"),
        (lambda mask: mask.point(lambda v: 7 if v == 1 else v), "holds the value 7"),
    ],
)
def test_spoilt_masks_are_named_and_nothing_is_written(root, tmp_path, spoil, expected):
    path = root / "masks/val/0.png"
    spoil(Image.open(path)).save(path)
    with pytest.raises(DataError, match=rf"masks/val/0\.png: {expected}"):
        make_patches(root, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_picture_turned_by_exif_fits_its_mask(root, tmp_path):
    """Training reads it turned, and the checks want the mask in that size."""
    for path in (root / "images").rglob("*.png"):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(path).rotate(90, expand=True).save(path, exif=exif)
    make_patches(root, tmp_path / "out", side=1, size=1, per_image=4)
    for name in files(tmp_path / "out"):
        colour = (200, 0, 0) if "/a/" in name else (0, 200, 0)
        assert (np.asarray(Image.open(tmp_path / "out" / name)) == colour).all(), name
