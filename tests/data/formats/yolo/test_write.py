"""YOLO written and read again: the same boxes, classes and masks; what it cannot hold is said."""

import os

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_mask

from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.detection_annotations import DetectionData, Split
from msa_backbone.data.formats.instance_masks import decode_mask, encode_mask
from msa_backbone.data.formats.yolo.traced_polygons import one_polygon, pixel_outlines
from msa_backbone.data.formats.yolo.write import write_yolo_data

CLASSES = ("zebra", "ant", "night owl: ä")  # not in sorted order, and not plain YAML


def dataset(folder, images: list[tuple[tuple[int, int], list[dict]]]) -> DetectionData:
    """The data in COCO's form: the size of every image, and its objects."""
    records, annotations = [], []
    for number, (size, objects) in enumerate(images, start=1):
        name = f"{number}.png"
        Image.new("RGB", size, (number % 256, 0, 0)).save(folder / name)
        image = {"id": number, "file_name": name, "width": size[0], "height": size[1]}
        records.append(image)
        for item in objects:
            whole = {"id": len(annotations) + 1, "image_id": number, "iscrowd": 0, "area": 1}
            annotations.append({**whole, **item})
    categories = [{"id": 7 + number, "name": name} for number, name in enumerate(CLASSES)]
    content = {"images": records, "annotations": annotations, "categories": categories}
    split = Split(content, folder, None, folder)
    return DetectionData(folder, "coco", CLASSES, {"train": split}, ())


def written_and_read(data: DetectionData, out) -> tuple[dict, list[str]]:
    """The content of the train split after a round trip, and what was left behind."""
    left = write_yolo_data(data, out)
    read = find_detection_data(out)
    assert (read.format, read.classes) == ("yolo", CLASSES)
    return read.splits["train"].content, left


def by_image(content: dict) -> dict[str, list[tuple[str, dict]]]:
    files = {image["id"]: image["file_name"] for image in content["images"]}
    names = {category["id"]: category["name"] for category in content["categories"]}
    found = {name: [] for name in files.values()}
    for record in content["annotations"]:
        found[files[record["image_id"]]].append((names[record["category_id"]], record))
    return found


@st.composite
def boxes(draw, size):
    width, height = (draw(st.floats(0.05, side)) for side in size)
    left, top = draw(st.floats(0, size[0] - width)), draw(st.floats(0, size[1] - height))
    return {"bbox": [left, top, width, height], "category_id": draw(st.integers(7, 9))}


@st.composite
def images_with(draw, objects):
    size = draw(st.tuples(st.integers(1, 900), st.integers(1, 900)))
    return size, draw(st.lists(objects(size), max_size=4))


@settings(max_examples=40, deadline=None)
@given(images=st.lists(images_with(boxes), min_size=1, max_size=4))
def test_boxes_come_back_to_a_hundredth_of_a_pixel(tmp_path_factory, images):
    folder, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("yolo")
    data = dataset(folder, images)
    content, left = written_and_read(data, out)
    assert left == []
    before, after = by_image(data.splits["train"].content), by_image(content)
    assert before.keys() == after.keys()
    for name, objects in before.items():
        assert [label for label, _ in objects] == [label for label, _ in after[name]]
        for (_, first), (_, last) in zip(objects, after[name], strict=True):
            assert np.abs(np.subtract(first["bbox"], last["bbox"])).max() <= 0.01
            assert "segmentation" not in last


def tight_box(mask: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    return [int(value) for value in (left, top, right - left, bottom - top)]


@st.composite
def masks(draw, size=(96, 80)):
    """Discs and bars in an image of 96 x 80, of 400 pixels or more, one part or two."""
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    mask = np.zeros(size[::-1], bool)
    for _ in range(draw(st.integers(1, 2))):
        middle = draw(st.integers(12, size[0] - 12)), draw(st.integers(12, size[1] - 12))
        radius = draw(st.integers(12, 30))
        if draw(st.booleans()):
            mask |= (x - middle[0]) ** 2 + (y - middle[1]) ** 2 <= radius**2
        else:
            mask |= (abs(x - middle[0]) <= radius) & (abs(y - middle[1]) <= 9)
    if mask.sum() < 400:
        mask[:20, :20] = True
    code = encode_mask(mask)
    return {"bbox": tight_box(mask), "category_id": draw(st.integers(7, 9)), "segmentation": code}


@settings(max_examples=40, deadline=None)
@given(objects=st.lists(masks(), min_size=1, max_size=3))
def test_masks_come_back(tmp_path_factory, objects):
    """The bound for polygons is an IoU of 0.98; traced along the pixels' borders they are equal."""
    folder, out = tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("yolo")
    content, left = written_and_read(dataset(folder, [((96, 80), objects)]), out)
    assert left == []
    for before, after in zip(objects, content["annotations"], strict=True):
        assert np.abs(np.subtract(before["bbox"], after["bbox"])).max() <= 0.01
        first = decode_mask(before["segmentation"], 80, 96)
        last = decode_mask(after["segmentation"], 80, 96)
        assert (first & last).sum() / (first | last).sum() >= 0.98
        assert after["area"] == pytest.approx(first.sum(), rel=0.02)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_the_outline_of_any_mask_encloses_just_its_pixels(seed, share):
    """Random pixels: parts, holes and corners that touch. The oracle is pycocotools' drawing."""
    mask = np.random.default_rng(seed).random((9, 12)) < share
    polygon = one_polygon(encode_mask(mask), 12, 9)
    if polygon is None:
        assert not mask.any()
    else:
        assert np.array_equal(decode_mask([polygon], 9, 12), mask)


def test_outlines_have_corners_only():
    mask = np.zeros((20, 30), bool)
    mask[4:10, 5:25] = True
    (outline,) = pixel_outlines(mask)
    assert sorted(map(tuple, outline.tolist())) == [(5, 4), (5, 10), (25, 4), (25, 10)]


def test_a_single_polygon_stays_as_it_is(tmp_path):
    polygon = [10.25, 5.5, 30.125, 6, 20, 31.75]
    item = {"bbox": [10.25, 5.5, 19.875, 26.25], "category_id": 8, "segmentation": [polygon]}
    (tmp_path / "a").mkdir()
    content, left = written_and_read(dataset(tmp_path / "a", [((64, 48), [item])]), tmp_path / "b")
    assert left == []
    assert content["annotations"][0]["segmentation"][0] == pytest.approx(polygon, abs=1e-6)


def test_parts_that_do_not_overlap_keep_their_corners(tmp_path):
    parts = [[2.5, 2, 12, 2, 12, 12.5], [30, 30, 30, 40.25, 41.5, 30]]  # turned one way and back
    box = [2.5, 2, 39, 38.25]
    item = {"bbox": box, "category_id": 8, "segmentation": parts}
    (tmp_path / "a").mkdir()
    content, left = written_and_read(dataset(tmp_path / "a", [((64, 48), [item])]), tmp_path / "b")
    assert left == []
    after = content["annotations"][0]
    assert after["bbox"] == pytest.approx(box, abs=1e-6)
    assert after["area"] == pytest.approx(9.5 * 10.5 / 2 + 10.25 * 11.5 / 2)
    code = coco_mask.merge(coco_mask.frPyObjects(parts, 48, 64))
    mask = decode_mask(after["segmentation"], 48, 64)
    assert (mask != coco_mask.decode(code)).sum() <= 2


def test_what_yolo_cannot_hold_is_counted(tmp_path):
    square = [[10, 10, 20, 10, 20, 20, 10, 20]]
    box = {"bbox": [10, 10, 10, 10], "category_id": 7}
    images = [
        [box, {**box, "iscrowd": 1}],
        [box, {**box, "segmentation": square}],
        [{**box, "bbox": [8, 10, 12, 10], "segmentation": square}],
        [{**box, "bbox": [-5, 10, 20, 10]}, {**box, "bbox": [90, 10, 5, 5]}],
    ]
    (tmp_path / "a").mkdir()
    data = dataset(tmp_path / "a", [((64, 48), objects) for objects in images])
    content, left = written_and_read(data, tmp_path / "b")
    assert sorted(left) == [
        "1 boxes are clipped to their image",
        "1 boxes become those around their masks",
        "1 crowds left out",
        "1 masks left out, as another object of the image has none",
        "1 objects left out, of which nothing lies in the image",
    ]
    boxes_read = [record["bbox"] for record in content["annotations"]]
    assert np.allclose(boxes_read, [[10, 10, 10, 10]] * 4 + [[0, 10, 15, 10]])


def test_the_yaml_is_plain_and_leads_from_where_it_lies(tmp_path):
    (tmp_path / "a").mkdir()
    write_yolo_data(dataset(tmp_path / "a", [((64, 48), [])]), tmp_path / "b")
    content = yaml.safe_load((tmp_path / "b/data.yaml").read_text(encoding="utf-8"))
    assert content == {"train": "images/train", "names": dict(enumerate(CLASSES))}
    assert (tmp_path / "b/labels/train/1.txt").read_text() == ""


def test_names_that_clash_are_told_apart_or_refused(tmp_path, refusal):
    (tmp_path / "a").mkdir()
    data = dataset(tmp_path / "a", [((64, 48), []), ((64, 48), [])])
    images = data.splits["train"].content["images"]
    (tmp_path / "a/2.png").rename(tmp_path / "a/1.bmp")
    images[1]["file_name"] = "1.bmp"
    write_yolo_data(data, tmp_path / "b")
    assert sorted(p.name for p in (tmp_path / "b/labels/train").iterdir()) == ["1.txt", "1_bmp.txt"]
    images[1]["file_name"] = "1.png"
    assert "1.png: has two entries" in refusal(write_yolo_data, data, tmp_path / "c")
    (tmp_path / "a/1.png").rename(tmp_path / "a/1.gif")
    images[0]["file_name"] = "1.gif"
    assert "YOLO images end in .jpg" in refusal(write_yolo_data, data, tmp_path / "d")


def test_the_disk_is_not_waited_for_at_every_label(tmp_path, monkeypatch):
    """All of it appears when the folder is complete."""
    (tmp_path / "a").mkdir()
    data = dataset(tmp_path / "a", [((64, 48), [])] * 5)
    waits, wait = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: waits.append(file) or wait(file))
    write_yolo_data(data, tmp_path / "b")
    assert len(list((tmp_path / "b/labels/train").iterdir())) == 5 and len(waits) == 1
