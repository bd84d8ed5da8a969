"""Images that training reads otherwise than one may think: turned, almost black, not at all."""

import json

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.detection.check import check_detection_data, detection_defects
from msa_backbone.data.detection.find import find_detection_data

MEND = "annotated otherwise than training turns it; store it without EXIF, turned as the boxes are"


@pytest.fixture
def found(folder):
    """Check images that `save` writes: `found(".tif", save, stated)`."""

    def call(ending: str, save, stated=(64, 48)):
        names = [f"{i}{ending}" for i in range(3)]
        content = folder.coco("annotations/train.json", "images", names)
        for image in content["images"]:
            image["width"], image["height"] = stated
            save(folder.root / "images" / image["file_name"])
        folder.write("annotations/train.json", json.dumps(content))
        return find_detection_data(folder.root)

    return call


def turned(orientation: int, size=(64, 48)):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return lambda path: Image.effect_noise(size, 60).convert("RGB").save(path, exif=exif)


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_the_stored_picture_are_refused_where_exif_turns_it(
    found, refusal, ending, orientation
):
    data = found(ending, turned(orientation))
    message = refusal(check_detection_data, data)
    assert f"0{ending} is 48 x 64, " in message and MEND in message
    assert f"its EXIF orientation is {orientation}" in message and "2 more like it" in message


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif"])
def test_boxes_of_the_turned_picture_are_right(found, ending):
    assert check_detection_data(found(ending, turned(6), (48, 64))) == []


@pytest.mark.parametrize(("orientation", "size"), [(2, (64, 48)), (3, (64, 48)), (6, (64, 64))])
def test_a_turn_that_the_size_does_not_show_is_one_warning(found, orientation, size):
    data = found(".jpg", turned(orientation, size), size)
    for limit in (0, 5000):
        (warning,) = check_detection_data(data, full_decode_limit=limit)
        assert warning.startswith("training turns the image as its EXIF says: 3 in train, first ")
    assert [defect.kind for defect in detection_defects(data)].count("missing image") == 0


def test_webp_is_not_turned_in_training(found, refusal):
    assert check_detection_data(found(".webp", turned(6))) == []
    (warning,) = check_detection_data(found(".webp", turned(3)))  # nothing tells how it was seen
    assert warning.startswith("training does not turn the image, though its EXIF says so: 3 in ")
    message = refusal(check_detection_data, found(".webp", turned(6), (48, 64)))
    assert "0.webp is 64 x 48, " in message and MEND in message


def numbers(dtype, factor):
    grey = np.asarray(Image.effect_noise((64, 48), 60))
    return lambda path: Image.fromarray((grey * factor).astype(dtype)).save(path)


@pytest.mark.parametrize(
    ("dtype", "held"), [(np.float32, "32-bit floats"), (np.int32, "32-bit whole numbers")]
)
def test_tiff_that_training_cannot_read_is_refused(found, refusal, dtype, held):
    message = refusal(check_detection_data, found(".tif", numbers(dtype, 1)))
    assert f"0.tif ({held}): image of a kind that OpenCV, by which training reads" in message
    assert "save it as PNG or TIFF with 8 or 16 bits a channel; 2 more like it" in message
    assert "replace the file" not in message


def test_twelve_bits_in_sixteen_are_one_warning(found):
    (warning,) = check_detection_data(found(".tif", numbers(np.uint16, 16.0)))
    assert warning.startswith("every image is almost black: 1 in train, first ")
    assert "have to be multiplied by 16" in warning
    assert check_detection_data(found(".tif", numbers(np.uint16, 257.0))) == []


def test_an_image_beyond_pillows_limit_is_taken(found):
    size = 14000, 13000
    assert check_detection_data(found(".png", Image.new("1", size).save, size), 0) == []
