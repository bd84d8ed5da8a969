"""CVAT's xml for images: boxes, polygons, ellipses, masks, and what it is not."""

import numpy as np
import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.instance_masks import decode_mask

IMAGE = '<image id="0" name="a.jpg" width="64" height="48">{}</image>'
BOX = '<box label="cat" xtl="4" ytl="5" xbr="24" ybr="19.5" occluded="0"/>'


@pytest.fixture
def cvat(folder):
    """Writes annotations.xml with these elements."""

    def write(*elements: str) -> None:
        folder.write("annotations.xml", f"<annotations><meta/>{''.join(elements)}</annotations>")

    return write


def only_object(folder):
    data = find_detection_data(folder.root)
    assert data.format == "cvat" and check_detection_data(data) == []
    (record,) = data.splits["train"].content["annotations"]
    return record


def test_a_box(folder, cvat):
    folder.image("images/a.jpg")
    cvat(IMAGE.format(BOX))
    record = only_object(folder)
    assert record["bbox"] == [4, 5, 20, 14.5] and "segmentation" not in record


def test_a_turned_box_is_a_polygon(folder, cvat):
    folder.image("a.jpg")
    cvat(IMAGE.format('<box label="cat" xtl="10" ytl="20" xbr="30" ybr="30" rotation="90"/>'))
    record = only_object(folder)
    assert record["bbox"] == pytest.approx([15, 15, 10, 20])
    turned = IMAGE.format('<box label="cat" xtl="10" ytl="20" xbr="30" ybr="30" rotation="30"/>')
    cvat(turned)
    left_top = only_object(folder)["segmentation"][0][:2]  # of the box; it moved right and up
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    assert left_top == pytest.approx([20 - 10 * cos + 5 * sin, 25 - 10 * sin - 5 * cos])


def test_a_polygon_an_ellipse_and_a_mask(folder, cvat):
    folder.image("a.jpg")
    cvat(IMAGE.format('<polygon label="cat" points="4,5;24,5;24,19.5"/>'))
    record = only_object(folder)
    assert record["segmentation"] == [[4, 5, 24, 5, 24, 19.5]]
    assert record["bbox"] == [4, 5, 20, 14.5] and record["area"] == 145
    cvat(IMAGE.format('<ellipse label="cat" cx="30" cy="24" rx="20" ry="10"/>'))
    record = only_object(folder)
    assert record["bbox"] == pytest.approx([10, 14, 40, 20])
    assert record["area"] == pytest.approx(np.pi * 200, rel=0.01)
    runs = "1, 2, 1, 3, 5"  # of 4 x 3: .##. ###. ....
    cvat(IMAGE.format(f'<mask label="cat" rle="{runs}" left="7" top="9" width="4" height="3"/>'))
    record = only_object(folder)
    expected = np.zeros((48, 64), bool)
    expected[9, 8:10] = expected[10, 7:10] = True
    assert np.array_equal(decode_mask(record["segmentation"], 48, 64), expected)
    assert record["bbox"] == [7, 9, 3, 2] and record["area"] == 5


def test_subsets_are_splits_and_an_unlabelled_one_is_left_aside(folder, cvat):
    images = []
    for subset, name, shapes in (("Train", "a", BOX), ("Validation", "b", BOX), ("Test", "c", "")):
        folder.image(f"{name}.jpg")
        images.append(
            f'<image name="{name}.jpg" subset="{subset}" width="64" height="48">{shapes}</image>'
        )
    cvat(*images)
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train", "val"}
    assert "test left aside: no object in its 1 images" in data.notes


def test_lines_and_tags_are_left_out_with_their_count(folder, cvat):
    folder.image("a.jpg")
    cvat(IMAGE.format(BOX + '<tag label="x"/><polyline label="x" points="1,1;2,2"/>'))
    data = find_detection_data(folder.root)
    assert len(data.splits["train"].content["annotations"]) == 1
    left = {"left out: 1 shapes of type tag", "left out: 1 shapes of type polyline"}
    assert left < set(data.notes)


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ('<box label="cat" xtl="4" ytl="5" xbr="24"/>', "box 0: its numbers are no shape"),
        ('<box label="cat" xtl="4" ytl="5" xbr="24" ybr="x"/>', "box 0: its numbers are no shape"),
        ('<box xtl="4" ytl="5" xbr="24" ybr="9"/>', "box 0: has no label"),
        ('<polygon label="cat" points="1,2;3,4"/>', "polygon 0: its numbers are no shape"),
        ('<polygon label="cat" points="1,2;3;4,5"/>', "polygon 0: its numbers are no shape"),
        (
            '<mask label="cat" rle="3" left="0" top="0" width="2" height="2"/>',
            "mask 0: its numbers",
        ),
    ],
)
def test_bad_shapes_are_refused_with_the_image(folder, cvat, refusal, shape, message):
    folder.image("a.jpg")
    cvat(IMAGE.format(shape))
    text = refusal(find_detection_data, folder.root)
    assert f"annotations.xml: image a.jpg: {message}" in text


def test_a_video_is_called_by_name(folder, cvat, refusal):
    folder.image("a.jpg")
    cvat('<track id="0" label="cat"/>')
    assert "CVAT's xml of a video" in refusal(find_detection_data, folder.root)


@pytest.mark.parametrize(
    ("sides", "mask"),
    [
        ("9999999 9999999", 'rle="1,3" left="5" top="5" width="2" height="2"'),
        ("64 48", 'rle="0,99999980000001" left="5" top="5" width="9999999" height="9999999"'),
    ],
)
def test_masks_that_no_memory_holds_are_refused(folder, cvat, refusal, sides, mask):
    folder.image("a.jpg")
    width, height = sides.split()
    image = IMAGE.replace('"64"', f'"{width}"').replace('"48"', f'"{height}"')
    cvat(image.format(f'<mask label="cat" {mask}/>'))
    message = refusal(find_detection_data, folder.root)
    assert "image a.jpg: mask 0: a mask in 9999999 x 9999999 pixels" in message
    assert message.endswith("correct the size")


def test_a_side_of_many_digits_is_refused(folder, cvat, refusal):
    folder.image("a.jpg")
    cvat(IMAGE.replace('"64"', f'"{"1" * 5000}"').format(BOX))
    assert "has no width and height" in refusal(find_detection_data, folder.root)


@pytest.mark.parametrize(("subset", "split"), [("Validation", "val"), ("Test", "test")])
def test_a_split_whose_objects_cannot_be_read_is_not_dropped(folder, cvat, refusal, subset, split):
    broken = BOX.replace(' ybr="19.5"', "")
    images = []
    for name, part, shape in (("a", "Train", BOX), ("b", subset, broken)):
        folder.image(f"{name}.jpg")
        head = f'<image name="{name}.jpg" subset="{part}" width="64" height="48">'
        images.append(f"{head}{shape}</image>")
    cvat(*images)
    line = "image b.jpg: box 0: its numbers are no shape"
    assert line in refusal(find_detection_data, folder.root)
    data = find_detection_data(folder.root, spoilt=True)
    (unread,) = data.splits[split].unread
    assert line in unread


def test_images_that_cannot_be_understood_are_lines_of_the_check(folder, cvat):
    for name in ("a.jpg", "b/x.jpg", "c/x.jpg"):
        folder.image(name)
    no_size = IMAGE.replace(' width="64" height="48"', "")
    twice = IMAGE.replace("a.jpg", "x.jpg")
    cvat(IMAGE.format(BOX), *(image.format(BOX) for image in (no_size, twice)))
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    assert [image["file_name"] for image in split.content["images"]] == ["a.jpg"]
    assert len(split.content["annotations"]) == 1
    first, second = split.unread
    assert first.endswith("image a.jpg: has no width and height; export it again")
    assert "image 'x.jpg' may be" in second
