"""Written and read again, COCO and VOC give the same boxes, classes and masks: random data sets."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.coco import segmentation_of
from msa_backbone.data.formats.detection_annotations import DetectionData, Split
from msa_backbone.data.formats.instance_masks import decode_mask, encode_mask
from msa_backbone.data.formats.voc_masks import with_masks
from msa_backbone.data.formats.write_coco import write_coco_data
from msa_backbone.data.formats.write_voc import write_voc_data

# Names as people give them: of several words, of other scripts, with what XML has to escape.
NAMES = st.lists(
    st.text(st.sampled_from("abcXYZ019&<>'\"._-\u00e9\u88c2"), min_size=1, max_size=8),
    min_size=1,
    max_size=4,
    unique_by=str.lower,
)
SIZES = st.tuples(st.integers(12, 70), st.integers(12, 70))


@st.composite
def records(draw, width: int, height: int, classes: int, masks: str) -> list[dict]:
    """The objects of an image: each in a stripe of its own, so that no mask hides another."""
    number = draw(st.integers(0, 4))
    stripe = width // max(number, 1)
    found = []
    for index in range(number):
        left = index * stripe + draw(st.floats(0, 0.9))
        top = draw(st.floats(0, height / 2))
        box = [left, top, draw(st.floats(1, stripe - 1)), draw(st.floats(1, height / 2 - 0.01))]
        record = {
            "category_id": draw(st.integers(0, classes - 1)),
            "bbox": box,
            "area": box[2] * box[3],
            "iscrowd": draw(st.integers(0, 1)),
        }
        kind = draw(st.sampled_from(masks.split()))
        if kind == "polygon":
            right, bottom = left + box[2], top + box[3]
            record["segmentation"] = [[left, top, right, top, right, bottom, left, bottom]]
        elif kind == "rle":
            mask = np.zeros((height, width), bool)
            rows = slice(int(top), int(top) + draw(st.integers(1, height - int(top))))
            mask[rows, index * stripe : index * stripe + draw(st.integers(1, stripe))] = True
            record["segmentation"] = encode_mask(mask)
        elif kind == "runs":
            first = draw(st.integers(0, height * width - 1))
            record["segmentation"] = {
                "size": [height, width],
                "counts": [first, 1, height * width - first - 1],
            }
        found.append(record)
    return found


@st.composite
def data_sets(draw, masks: str) -> tuple[list[str], dict[str, list]]:
    """Names of classes, and for every split the size and the objects of every image."""
    names = draw(NAMES)
    splits = {}
    for split in ("train", "val", "test")[: draw(st.integers(1, 3))]:
        sizes = draw(st.lists(SIZES, min_size=1, max_size=3))
        splits[split] = [(size, draw(records(*size, len(names), masks))) for size in sizes]
    return names, splits


def built(names: list[str], splits: dict[str, list], root: Path) -> DetectionData:
    """The data in memory, with image files below `root`."""
    made = {}
    for split, images in splits.items():
        content = {
            "images": [],
            "categories": [{"id": 3 + 2 * i, "name": name} for i, name in enumerate(names)],
            "annotations": [],
        }
        for index, ((width, height), objects) in enumerate(images):
            file = f"{split}_{index}.png"
            (root / split).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (width, height)).save(root / split / file)
            image = {"id": index, "file_name": file, "width": width, "height": height}
            content["images"].append(image)
            for record in objects:
                number = len(content["annotations"]) + 1
                category = 3 + 2 * record["category_id"]
                ids = {"id": number, "image_id": index, "category_id": category}
                content["annotations"].append({**record, **ids})
        made[split] = Split(content, root / split, None, root)
    return DetectionData(root, "coco", tuple(names), made, ())


def described(data: DetectionData) -> dict[str, list]:
    """By image: the size, and class, box, crowd and mask of every object, in their order."""
    found = {}
    for split in data.splits.values():
        content = split.content
        names = {category["id"]: category["name"] for category in content["categories"]}
        for image in content["images"]:
            objects = [r for r in content["annotations"] if r["image_id"] == image["id"]]
            found[image["file_name"]] = (
                (image["width"], image["height"]),
                [(names[r["category_id"]], r["bbox"], r["iscrowd"]) for r in objects],
                [_mask(r, image) for r in objects],
            )
    return found


def _mask(record: dict, image: dict) -> np.ndarray | None:
    segmentation = segmentation_of(record)
    return decode_mask(segmentation, image["height"], image["width"]) if segmentation else None


def same(before: dict[str, list], after: dict[str, list], masks: bool = True) -> None:
    assert before.keys() == after.keys()
    for file, (size, objects, drawn) in before.items():
        new_size, new_objects, new_drawn = after[file]
        assert new_size == size
        assert [(name, crowd) for name, _, crowd in new_objects] == [
            (name, crowd) for name, _, crowd in objects
        ]
        boxes = np.array([box for _, box, _ in objects])
        new_boxes = np.array([box for _, box, _ in new_objects])
        assert np.abs(new_boxes - boxes).max(initial=0) <= 0.01
        if masks:
            for old, new in zip(drawn, new_drawn, strict=True):
                assert (old is None) == (new is None)
                assert old is None or np.array_equal(old, new)


@settings(max_examples=25, deadline=None)
@given(data_sets("none polygon rle runs"))
def test_coco(drawn):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = built(*drawn, root / "images")
        write_coco_data(data, root / "written")
        found = find_detection_data(root / "written")
        assert found.classes == data.classes
        test = data.splits.get("test")
        if test and not test.content["annotations"]:  # read as images without labels
            data.splits.pop("test")
        same(described(data), described(found))


@settings(max_examples=25, deadline=None)
@given(data_sets("none"))
def test_voc_boxes(drawn):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = built(*drawn, root / "images")
        assert write_voc_data(data, root / "written") == []
        found = find_detection_data(root / "written")
        before = described(data)
        used = {name for _, objects, _ in before.values() for name, _, _ in objects}
        assert set(found.classes) == used  # VOC has no list of classes
        same(before, described(found))


@settings(max_examples=25, deadline=None)
@given(data_sets("rle"))
def test_voc_masks(drawn):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        data = built(*drawn, root / "images")
        write_voc_data(data, root / "written")
        found = with_masks(find_detection_data(root / "written"))
        same(described(data), described(found))
