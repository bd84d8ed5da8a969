"""Masks of images by their names: several of one image are refused, strays are counted."""

import time

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.formats.masks.pairs import paired
from msa_backbone.data.segmentation.find import find_segmentation_data


@pytest.fixture
def masks(folder):
    """Writes images/NAME.jpg and masks/NAME.png of these names."""

    def write(images: str, masks: str) -> None:
        for name in images.split():
            folder.image(f"images/{name}.jpg")
        (folder.root / "masks").mkdir(exist_ok=True)
        for name in masks.split():
            Image.fromarray(np.zeros((48, 64), np.uint8)).save(folder.root / f"masks/{name}.png")

    return write


@pytest.mark.parametrize(
    ("images", "names", "named"),
    [
        ("0 1", "0_0 0_1 1_0 1_1", ("0.jpg", "0_0.png and 0_1.png")),
        ("a b c", "a_0 b_0 c_0 c_1", ("c.jpg", "c_0.png and c_1.png")),
        ("a b", "a a_mask b b_mask", ("a.jpg", "a.png and a_mask.png")),
        ("a_1 b_1", "a_1_labels a_1_color b_1_labels b_1_color", ("a_1.jpg", "a_1_")),
    ],
)
def test_several_masks_of_an_image_are_refused(folder, masks, refusal, images, names, named):
    masks(images, names)
    message = refusal(paired, folder.root / "images", folder.root / "masks")
    assert all(part in message for part in named)
    assert "has several masks" in message and message.endswith("or keep the masks of one kind")


def test_several_masks_beside_an_image_are_refused(folder, refusal):
    for name in ("a (1)", "b (2)", "c (3)"):
        folder.image(f"benign/{name}.png")
        folder.image(f"benign/{name}_mask.png")
    assert len(paired(folder.root, folder.root).names) == 3
    folder.image("benign/a (1)_mask_1.png")
    message = refusal(paired, folder.root, folder.root)
    assert "a (1)_mask.png and benign/a (1)_mask_1.png; draw the objects into one" in message


def test_several_masks_of_listed_images_are_refused_but_not_those_of_others(folder, masks, refusal):
    masks("a b c a_1 b_1 c_1", "a b c a_1 b_1 c_1")
    listed = paired(folder.root / "images", folder.root / "masks", ["a", "b", "c"])
    assert listed.names == ("a", "b", "c") and listed.unused == ()
    masks("", "a_2 b_2")
    message = refusal(paired, folder.root / "images", folder.root / "masks", ["a", "b", "c"])
    assert "images/a.jpg: has several masks, " in message and "a.png and a_2.png" in message


@pytest.mark.parametrize(
    ("images", "names", "pairs", "unused"),
    [
        ("a b c", "a b c c_old", {"a": "a", "b": "b", "c": "c"}, ("c_old.png",)),
        ("a a_1", "a a_1 a_2", {"a": "a", "a_1": "a_1"}, ("a_2.png",)),
        ("10 1 2", "10 1 2 3", {"1": "1", "10": "10", "2": "2"}, ("3.png",)),
        ("a a_1", "a_L a_1_L", {"a": "a_L", "a_1": "a_1_L"}, ()),
    ],
)
def test_strays_are_counted(folder, masks, images, names, pairs, unused):
    masks(images, names)
    split = paired(folder.root / "images", folder.root / "masks")
    assert {name: split.mask(name).stem for name in split.names} == pairs
    assert split.unused == unused


def test_what_most_masks_have_behind_a_name_counts_not_what_the_first_have(folder, masks):
    masks("a b c d e", "d_mask e_mask")
    split = paired(folder.root / "images", folder.root / "masks")
    assert split.names == ("d", "e") and split.mask_suffix == "_mask.png"
    assert len(split.lost) == 3 and split.lost[0].endswith("add it or remove the image")


def test_a_name_that_all_others_begin_with_costs_no_time(folder):
    for place, suffix in (("images", "jpg"), ("masks", "png")):
        (folder.root / place).mkdir()
        for name in ("photo", *(f"photo_{number}" for number in range(2500))):
            (folder.root / place / f"{name}.{suffix}").touch()
    start = time.process_time()
    split = paired(folder.root / "images", folder.root / "masks")
    assert time.process_time() - start < 2
    assert len(split.names) == 2501 and split.mask_suffix == ".png" and split.lost == ()


@pytest.mark.parametrize("name", ["masks/a.gif", "train_masks/a_mask.gif"])
def test_masks_as_gif_are_called_by_name(folder, refusal, name):
    folder.image("images/a.jpg")
    folder.write(name, "GIF89a")
    message = refusal(find_segmentation_data, folder.root)
    assert f"{name}: a mask as GIF" in message and message.endswith("as PNG")


def test_folders_that_are_called_by_split_and_kind(folder):
    for split in ("train", "val"):
        for number in range(2):
            folder.image(f"{split}_images/{split}{number}.jpg")
            Image.new("L", (64, 48), 1).save(folder.image(f"{split}_masks/{split}{number}.png"))
    folder.write("classes.txt", "background\ncat\n")
    data = find_segmentation_data(folder.root)
    assert {name: split.names for name, split in data.splits.items()} == {
        "train": ("train0", "train1"),
        "val": ("val0", "val1"),
    }


def test_one_split_by_two_words(folder):
    for images, masks in (("train", "training"), ("val", "validation")):
        for number in range(2):
            folder.image(f"images/{images}/{number}.jpg")
            Image.new("L", (64, 48), 1).save(folder.image(f"masks/{masks}/{number}.png"))
    folder.write("classes.txt", "background\ncat\n")
    data = find_segmentation_data(folder.root)
    assert data.splits["val"].mask("1") == folder.root / "masks/validation/1.png"


def test_masks_in_no_layout_are_named(folder, refusal):
    folder.image("seg_b/images/0.jpg")
    folder.image("seg_a/images/0.jpg")
    folder.image("seg_a/masks/0.png")
    message = refusal(find_segmentation_data, folder.root)
    assert f"{folder.root / 'seg_a/masks'}: seems to hold masks, but in no layout" in message
