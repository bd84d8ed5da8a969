"""Palettes of index masks: one that shows a number in another colour may mean another class."""

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.formats.index_masks import read_index_mask
from msa_backbone.data.segmentation.check import check_segmentation_data
from msa_backbone.data.segmentation.find import find_segmentation_data

RED, GREEN = [0, 0, 0, 128, 0, 0], [0, 0, 0, 0, 128, 0]


@pytest.fixture
def masks(folder):
    """Writes images and masks of class 1 with these palettes, and classes.txt."""

    def write(*palettes: list[int] | None, value: int = 1) -> None:
        for number, palette in enumerate(palettes):
            folder.image(f"images/{number}.jpg")
            pixels = np.zeros((48, 64), np.uint8)
            pixels[:, 32:] = value
            mask = Image.fromarray(pixels)
            if palette:
                mask.putpalette(palette)
            (folder.root / "masks").mkdir(exist_ok=True)
            mask.save(folder.root / f"masks/{number}.png")
        folder.write("classes.txt", "background\ncat\ndog\n")

    return write


def test_one_number_in_two_colours_is_refused(folder, masks, refusal):
    masks(RED, RED, GREEN, GREEN)
    message = refusal(check_segmentation_data, find_segmentation_data(folder.root))
    assert "shows the value 1 in " in message and "(1 more like it)" in message
    assert "128,0,0" in message and "0,128,0" in message and "add labelmap.txt" in message


def test_with_labelmap_the_colours_are_the_classes(folder, masks):
    masks(RED, RED, GREEN, GREEN)
    (folder.root / "classes.txt").unlink()
    folder.write("labelmap.txt", "background:0,0,0::\ncat:128,0,0::\ndog:0,128,0::\n")
    assert check_segmentation_data(find_segmentation_data(folder.root)) == []


@pytest.mark.parametrize("second", [RED, None, [*RED, 9, 9, 9], [*RED[:3], *RED[3:], *([0] * 750)]])
def test_numbers_that_all_have_their_colour_pass(folder, masks, second):
    masks(RED, second, RED, second)
    (warning,) = check_segmentation_data(find_segmentation_data(folder.root))
    assert warning == "classes without a training pixel: dog"


def test_fractions_are_no_numbers_of_classes(folder, refusal):
    folder.image("images/a.jpg")
    (folder.root / "masks").mkdir()
    Image.fromarray(np.ones((48, 64), np.float32)).save(folder.root / "masks/a.tif")
    message = refusal(read_index_mask, folder.root / "masks/a.tif")
    assert "a.tif: holds fractions (32-bit floats), not whole numbers" in message
