"""labelme's jsons: every kind of shape by its box and mask, the paths people have, refusals."""

import base64
import io
import json
import math

import data_folders
import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.instance_masks import decode_mask

RECTANGLE = {"label": "cat", "points": [[4, 5], [24, 19]], "shape_type": "rectangle"}


@pytest.fixture
def labelme(folder):
    """Writes a json of shapes, 64 x 48, and its image: `labelme("a", [shape], imagePath=...)`."""

    def write(stem: str, shapes: list[dict], image: str | None = None, **fields) -> None:
        folder.image(image or f"{stem}.jpg")
        whole = [{"group_id": None, "flags": {}, **shape} for shape in shapes]
        content = {"version": "5.0.1", "flags": {}, "shapes": whole, "imageData": "aGVsbG8="}
        content |= {"imagePath": f"{stem.rpartition('/')[2]}.jpg"}
        content |= {"imageHeight": 48, "imageWidth": 64, **fields}
        folder.write(f"{stem}.json", json.dumps(content))

    return write


def objects(data, split="train"):
    return data.splits[split].content["annotations"]


def shape(kind: str, points: list, **fields) -> dict:
    return {"label": "cat", "points": points, "shape_type": kind, **fields}


def test_folders_of_the_splits(folder, labelme):
    labelme("train/a", [RECTANGLE, {**RECTANGLE, "label": "ant "}])
    labelme("train/b", [])
    labelme("val/c", [RECTANGLE])
    before = folder.files()
    data = find_detection_data(folder.root)
    assert (data.format, data.classes) == ("labelme", ("ant", "cat"))
    assert data.splits.keys() == {"train", "val"}
    files = [image["file_name"] for image in data.splits["train"].content["images"]]
    assert files == ["a.jpg", "b.jpg"]
    assert data.splits["train"].image_dir == folder.root / "train"
    assert [(r["category_id"], r["bbox"]) for r in objects(data)] == [
        (2, [4, 5, 20, 14]),
        (1, [4, 5, 20, 14]),
    ]
    assert "train: 2 images, 2 objects, 1 images without one" in data.notes
    assert check_detection_data(data) == []
    assert folder.files() == before


def test_without_folders_of_splits_all_are_for_training(folder, labelme):
    labelme("a", [RECTANGLE])
    labelme("b", [RECTANGLE])
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train"} and len(objects(data)) == 2


@pytest.mark.parametrize(
    ("shapes", "box", "mask"),
    [
        ([shape("rectangle", [[24, 19], [4, 5]])], [4, 5, 20, 14], None),
        ([shape("rectangle", [[4, 5], [24, 5], [24, 19], [4, 19]])], [4, 5, 20, 14], None),
        ([shape("polygon", [[4, 5], [24, 5], [24, 19]])], [4, 5, 20, 14], "triangle"),
        ([shape(None, [[4, 5], [24, 5], [24, 19]])], [4, 5, 20, 14], "triangle"),
        ([shape("circle", [[30, 24], [30, 34]])], [20, 14, 20, 20], "disc"),
        (
            [shape("polygon", [[4, 5], [14, 5], [14, 19]], group_id=3),
             shape("polygon", [[30, 5], [40, 5], [40, 30]], group_id=3)],
            [4, 5, 36, 25], "two parts",
        ),
        (
            [shape("rectangle", [[4, 5], [14, 19]], group_id=3),
             shape("rectangle", [[30, 5], [40, 30]], group_id=3)],
            [4, 5, 36, 25], None,
        ),
    ],
)  # fmt: skip
def test_shapes(folder, labelme, shapes, box, mask):
    labelme("a", shapes)
    (record,) = objects(find_detection_data(folder.root))
    assert record["bbox"] == pytest.approx(box)
    y, x = np.mgrid[:48, :64] + 0.5
    triangle = (x < 24) & (y > 5) & ((x - 4) / 20 > (y - 5) / 14)
    expected = {
        "triangle": triangle,
        "disc": np.hypot(x - 30, y - 24) < 10,
        "two parts": ((x < 14) & (y > 5) & ((x - 4) / 10 > (y - 5) / 14))
        | ((x < 40) & (x > 30) & (y > 5) & ((x - 30) / 10 > (y - 5) / 25)),
    }
    if mask is None:
        assert "segmentation" not in record and record["area"] == box[2] * box[3]
        return
    drawn = decode_mask(record["segmentation"], 48, 64)
    assert (drawn & expected[mask]).sum() / (drawn | expected[mask]).sum() > 0.93
    assert record["area"] == pytest.approx(expected[mask].sum(), rel=0.05)


def test_a_group_joins_shapes_of_one_label_only(folder, labelme):
    labelme("a", [{**RECTANGLE, "group_id": 1}, {**RECTANGLE, "group_id": 1, "label": "dog"}])
    assert len(objects(find_detection_data(folder.root))) == 2


def test_painted_masks(folder, labelme):
    pixels = np.zeros((10, 12), bool)
    pixels[2:, 3:] = True
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    painted = shape("mask", [[20, 30], [31, 39]], mask=text, group_id=1)
    labelme("a", [painted, shape("polygon", [[0, 0], [5, 0], [5, 5], [0, 5]], group_id=1)])
    (record,) = objects(find_detection_data(folder.root))
    expected = np.zeros((48, 64), bool)
    expected[32:40, 23:32] = True
    expected[:5, :5] = True
    assert np.array_equal(decode_mask(record["segmentation"], 48, 64), expected)
    assert record["bbox"] == [0, 0, 32, 40] and record["area"] == expected.sum()


def test_a_group_that_every_shape_has_joins_none(folder, labelme):
    boxes = [shape("rectangle", [[x, 5], [x + 8, 13]], group_id=0) for x in (5, 25, 45)]
    labelme("train/a", boxes)
    labelme("val/b", boxes)
    data = find_detection_data(folder.root)
    for split in ("train", "val"):
        found = [record["bbox"] for record in objects(data, split)]
        assert found == [[5, 5, 8, 8], [25, 5, 8, 8], [45, 5, 8, 8]]
    note = "no file has two values of group_id: every shape is taken as an object"
    assert note in data.notes
    labelme("val/b", [{**box, "group_id": 7} for box in boxes])  # of its own, such as a number
    labelme("val/d", [shape("point", [[1, 1]], group_id=None)])
    assert len(objects(find_detection_data(folder.root), "val")) == 3
    labelme("val/c", [{**RECTANGLE, "group_id": None}])  # now the others say something
    data = find_detection_data(folder.root)
    assert [record["bbox"] for record in objects(data)] == [[5, 5, 48, 8]]
    assert note not in data.notes


@pytest.mark.parametrize("height", [9_999_999, 48.5, -48, True])
def test_painted_masks_in_no_image_of_any_size_are_refused(folder, labelme, refusal, height):
    buffer = io.BytesIO()
    Image.new("L", (5, 5), 255).save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    labelme("a", [shape("mask", [[5, 5], [9, 9]], mask=text)], imageHeight=height)
    message = refusal(find_detection_data, folder.root)
    if height is True:
        assert "not a labelme json" in message
    else:
        assert f"a.json: shape 0: a mask in 64 x {height} pixels, which no" in message


def test_a_painted_mask_that_grows_without_end_is_refused(folder, labelme, refusal, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    buffer = io.BytesIO()
    Image.new("L", (5, 5), 255).save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    labelme("a", [shape("mask", [[5, 5], [9, 9]], mask=text)])
    assert "shape 0: unreadable mask" in refusal(find_detection_data, folder.root)


def test_points_and_lines_are_left_out_with_their_count(folder, labelme):
    lines = [shape("point", [[1, 1]]), shape("line", [[1, 1], [2, 2]]), shape("point", [[3, 3]])]
    labelme("a", [RECTANGLE, *lines])
    data = find_detection_data(folder.root)
    assert len(objects(data)) == 1
    assert {"left out: 2 shapes of type point", "left out: 1 shapes of type line"} < set(data.notes)


@pytest.mark.parametrize(
    ("json_dir", "image_dir", "written", "moved"),
    [
        ("", "", "a.jpg", False),
        ("labels", "images", "..\\images\\a.jpg", True),
        ("labels", "images", "../images/a.jpg", False),
        ("labels", "images", "a.jpg", True),
        ("labels", "images", "D:\\photos\\a.jpg", True),
        ("labels", "images", "/data/someone/x/images/a.jpg", True),
        ("labels", "images", "", True),
        ("", "", "somebody_renamed_it.jpg", True),
    ],
)
def test_images_are_found(folder, labelme, json_dir, image_dir, written, moved):
    stem = f"{json_dir}/a".lstrip("/")
    labelme(stem, [RECTANGLE], image=f"{image_dir}/a.jpg".lstrip("/"), imagePath=written)
    data = find_detection_data(folder.root)
    (image,) = data.splits["train"].content["images"]
    assert image["file_name"] == "a.jpg"
    assert data.splits["train"].image_dir == folder.root / image_dir
    assert any("under another name" in note for note in data.notes) == moved
    assert check_detection_data(data) == []


def test_nothing_outside_the_folder_is_read(folder, labelme, refusal, tmp_path):
    Image.new("RGB", (64, 48)).save(tmp_path / "outside.jpg")
    labelme("a", [RECTANGLE], image="b.jpg", imagePath="../outside.jpg")
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "outside.jpg: missing image" in message
    labelme("a", [RECTANGLE], image="b.jpg", imagePath=str(tmp_path / "outside.jpg"))
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "missing image" in message and str(tmp_path / "outside.jpg") not in message


def test_sizes_that_are_not_stated_are_those_of_the_image(folder, labelme):
    labelme("a", [RECTANGLE], imageHeight=None, imageWidth=None)
    (image,) = find_detection_data(folder.root).splits["train"].content["images"]
    assert (image["width"], image["height"]) == (64, 48)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (shape("rectangle", [[4, 5]]), "shape 1: is a 'rectangle' of 1 points"),
        (shape("polygon", [[4, 5], [6, 7]]), "shape 1: is a 'polygon' of 2 points"),
        (
            shape("cuboid", [[4, 5]] * 8),
            "shape 1: is a 'cuboid' of 8 points, which is not",
        ),
        (shape("mask", [[4, 5], [6, 7]], mask="aGVsbG8="), "shape 1: unreadable mask"),
        (shape("polygon", [[4, 5], [math.nan, 7], [4, 4]]), "not a labelme json"),
        (shape("polygon", [[4, "5"], [4, 7], [4, 4]]), "not a labelme json"),
        ({**RECTANGLE, "label": " "}, "shape 1: has no label; add it"),
    ],
)
def test_bad_shapes_are_refused_with_file_and_number(folder, labelme, refusal, bad, message):
    labelme("a", [RECTANGLE, bad])
    assert f"a.json: {message}" in refusal(find_detection_data, folder.root)


def test_two_jsons_of_an_image_are_refused(folder, labelme, refusal):
    labelme("a", [RECTANGLE])
    labelme("b", [RECTANGLE], imagePath="a.jpg")
    assert "b.json: a second json of a.jpg beside" in refusal(find_detection_data, folder.root)


def test_a_broken_json_is_named(folder, labelme, refusal):
    labelme("a", [RECTANGLE])
    folder.edit("a.json", '"imageWidth": 64}', '"imageWidth": 64')
    assert "a.json: not a labelme json" in refusal(find_detection_data, folder.root)


def test_every_spoilt_record_is_listed_and_the_others_are_read(folder, labelme):
    labelme("a", [RECTANGLE, shape("rectangle", [[1, 2]]), {**RECTANGLE, "label": ""}])
    labelme("b", [])
    folder.write("b.json", '{"shapes": [], "imagePath": 3}')
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    assert len(split.unread) == 3
    assert len(split.content["annotations"]) == len(split.content["images"]) == 1


def test_what_is_not_used_is_counted(folder, labelme):
    labelme("a", [RECTANGLE])
    labelme("b", [RECTANGLE])
    folder.write("b.json", '{"version": "5')  # cut off before its shapes
    folder.image("c.jpg")
    data = find_detection_data(folder.root)
    notes = "\n".join(data.notes)
    assert "not used: 1 jsons that are not labelme's, first " in notes and "b.json" in notes
    assert "not used: 2 images that are in no split, first b.jpg" in notes


def test_a_missing_image_is_not_taken_from_another_split(folder, labelme):
    for stem in ("train/1", "train/2", "test/1", "test/3"):
        labelme(stem, [RECTANGLE])
    (folder.root / "train/1.jpg").unlink()
    (folder.root / "test/1.json").unlink()
    split = find_detection_data(folder.root).splits["train"]
    paths = [split.image_dir / image["file_name"] for image in split.content["images"]]
    assert paths == [folder.root / "train/1.jpg", folder.root / "train/2.jpg"]


def test_jsons_that_name_the_image_of_another_json_are_counted(tmp_path):
    data_folders.labelme(tmp_path)
    assert not [note for note in find_detection_data(tmp_path).notes if "imagePath" in note]
    for number, other in ((0, 1), (1, 0)):
        path = tmp_path / f"train/image_{number}.json"
        path.write_text(
            path.read_text().replace(f"image_{number}.jpg", f"..\\\\train\\\\image_{other}.jpg")
        )
    data = find_detection_data(tmp_path)
    (note,) = [note for note in data.notes if "imagePath" in note]
    assert note.endswith("whose imagePath is another image: 2, first train/image_0.json")
