"""Repairs mend what needs no guess, leave out the rest, and say so."""

import json

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.detection.check import detection_defects
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.detection.repair import repair
from msa_backbone.data.formats.write_voc import write_voc_data


@pytest.fixture
def mended(folder):
    """Repair the folder with `content` as its train json; three images, an object of each."""

    def call(change) -> tuple[dict, list[str]]:
        content = folder.coco(
            "annotations/instances_train.json", "images", ["a.jpg", "b.jpg", "c.jpg"]
        )
        change(content)
        folder.write("annotations/instances_train.json", json.dumps(content))
        data, changes = repair(find_detection_data(folder.root))
        assert not detection_defects(data, thorough=True)
        return data.splits["train"].content, changes

    return call


def test_sound_data_stay_as_they_are(mended):
    content, changes = mended(lambda content: None)
    assert changes == [] and len(content["images"]) == len(content["annotations"]) == 3


@pytest.mark.parametrize(
    ("box", "area", "expected", "word"),
    [
        ([24, 24, -20, -10], 150, ([4, 14, 20, 10], 150), "corners ordered"),
        ([-10, 4, 20, 20], 400, ([0, 4, 10, 20], 200), "clipped to its image"),
        ([50, 40, 20, 20], 100, ([50, 40, 14, 8], 28), "clipped to its image"),
        ([4, 4, 20, 20], 0, ([4, 4, 20, 20], 400), "area set to width x height"),
        ([-10, 4, 20, 20], 0, ([0, 4, 10, 20], 200), "area set to width x height, clipped"),
        ([4, 4, 20, 20], "wide", ([4, 4, 20, 20], 400), "area set to width x height"),
        ([4, 4, 20, 0.4], 8, None, "left out, box less than a pixel"),
        ([90, 4, 20, 20], 400, None, "left out, box wholly outside"),
        ([4, None, 20, 20], 400, None, "left out, box is not four finite numbers"),
        ([0, 0, 1e200, 1e200], "wide", None, "left out, area is not positive"),
        ([0, 0, 10**200, 10**200], None, None, "left out, area is not positive"),
    ],
)
def test_boxes(mended, box, area, expected, word):
    def change(content):
        content["annotations"][1] |= {"bbox": box, "area": area}

    content, (line,) = mended(change)
    assert word in line and "annotation 2" in line
    found = [(r["bbox"], r["area"]) for r in content["annotations"] if r["id"] == 2]
    assert found == ([] if expected is None else [(expected[0], pytest.approx(expected[1]))])
    assert len(content["annotations"]) == (2 if expected is None else 3)


def test_empty_segmentations_of_box_data_are_no_defect(mended):
    def change(content):
        for record in content["annotations"]:
            record["segmentation"] = []

    content, changes = mended(change)
    assert changes == [] and len(content["annotations"]) == 3


def test_an_image_of_another_size_goes_as_its_boxes_cannot_be_placed(mended):
    content, (line,) = mended(lambda content: content["images"][1].update(width=128, height=96))
    assert "b.jpg: left out with its objects, image size differs" in line
    assert {image["file_name"] for image in content["images"]} == {"a.jpg", "c.jpg"}
    assert {record["image_id"] for record in content["annotations"]} == {0, 2}


def test_an_unreadable_image_gets_no_size(mended, folder):
    def change(content):
        content["images"][1]["height"] = 0
        folder.write("images/b.jpg", "no image")

    _, (line,) = mended(change)
    assert "b.jpg: left out with its objects, unreadable image" in line


@pytest.mark.parametrize("side", ["width", "height"])
def test_an_image_with_half_a_size_gets_its_files(mended, side):
    content, (line,) = mended(lambda content: content["images"][1].update({side: 0}))
    assert "b.jpg: size set to 64 x 48" in line and len(content["annotations"]) == 3


def test_an_image_without_a_size_is_written_with_its_files(mended):
    content, changes = mended(lambda content: content["images"][1].update(width=0, height=0))
    assert changes == [] and content["images"][1]["width"] == 64
    assert content["images"][1]["height"] == 48 and len(content["annotations"]) == 3


def test_objects_of_an_id_that_two_images_share_go(mended):
    content, changes = mended(lambda content: content["images"][1].update(id=0))
    assert len(changes) == 3 and "its id 0 is also another's" in changes[0]  # and one has no image
    assert [image["file_name"] for image in content["images"]] == ["c.jpg"]
    assert [record["image_id"] for record in content["annotations"]] == [2]


def test_two_entries_of_a_file_become_one_with_all_objects_once(mended):
    def change(content):
        content["images"][1] |= {"id": 1, "file_name": "a.jpg"}  # a twin of image 0
        content["annotations"].append({**content["annotations"][1], "id": 9, "bbox": [1, 1, 9, 9]})

    content, (line,) = mended(change)
    assert "a.jpg: its two entries joined" in line
    assert [image["id"] for image in content["images"]] == [0, 2]
    boxes = [(r["image_id"], r["bbox"]) for r in content["annotations"]]
    assert boxes == [(0, [4, 4, 20, 20]), (2, [4, 4, 20, 20]), (0, [1, 1, 9, 9])]


def test_objects_of_an_image_s_two_xml_files_keep_their_classes(folder, tmp_path):
    folder.voc("JPEGImages", "Annotations", ["0"])
    folder.voc("JPEGImages", "Annotations", ["0 (copy)"], label="dog")
    (folder.root / "JPEGImages/0 (copy).jpg").unlink()
    folder.edit("Annotations/0 (copy).xml", "<size>", "<filename>0.jpg</filename><size>")
    second = "</object><object><name>dog</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax>"
    folder.edit(
        "Annotations/0 (copy).xml", "</object>", f"{second}<ymax>9</ymax></bndbox></object>"
    )
    folder.voc_list(".", "train", ["0", "0 (copy)"])
    folder.voc("JPEGImages", "Annotations", ["1"])
    folder.voc_list(".", "val", ["1"])
    data, (line,) = repair(find_detection_data(folder.root))
    assert line.endswith("0.jpg: its two entries joined")
    write_voc_data(data, tmp_path / "fixed")
    content = find_detection_data(tmp_path / "fixed").splits["train"].content
    names = {category["id"]: category["name"] for category in content["categories"]}
    assert [(names[r["category_id"]], r["bbox"]) for r in content["annotations"]] == [
        ("cat", [4, 4, 20, 20]),
        ("dog", [4, 4, 20, 20]),
        ("dog", [0, 0, 8, 8]),
    ]


def test_objects_of_an_id_that_two_categories_share_go(mended):
    def change(content):
        content["categories"].append({"id": 11, "name": "bird"})
        content["annotations"][0]["category_id"] = 11

    content, (line,) = mended(change)
    assert "category id 11 is used twice: its objects left out" in line
    assert [record["id"] for record in content["annotations"]] == [2, 3]
    assert [category["name"] for category in content["categories"]] == ["cat", "dog", "bird"]
    assert len({category["id"] for category in content["categories"]}) == 3


def test_new_ids_are_free(mended):
    def change(content):
        for record, id_ in zip(content["annotations"], (4.0, 4.0, 5), strict=True):
            record["id"] = id_

    content, (line,) = mended(change)
    assert "id used twice, now 3" in line
    assert [record["id"] for record in content["annotations"]] == [4, 3, 5]


def test_a_crowd_and_an_object_in_the_same_box_are_two(mended):
    def change(content):
        content["images"][1] |= {"id": 1, "file_name": "a.jpg"}
        content["annotations"][0]["iscrowd"] = 1

    content, _ = mended(change)
    assert [r["iscrowd"] for r in content["annotations"] if r["image_id"] == 0] == [1, 0]


def test_training_images_that_are_also_elsewhere_go_and_not_the_others(folder, refusal):
    for split, names in (("train", "abc"), ("val", "de"), ("test", "f")):
        folder.coco(f"annotations/{split}.json", f"images/{split}", [f"{n}.jpg" for n in names])
    images = folder.root / "images"
    for copy, original in (("train/b", "val/d"), ("test/f", "val/e")):
        (images / f"{copy}.jpg").write_bytes((images / f"{original}.jpg").read_bytes())
    data, (line,) = repair(find_detection_data(folder.root))
    assert "train/b.jpg: left out, it is also in val" in line
    assert {n: len(s.content["images"]) for n, s in data.splits.items()} == {
        "train": 2,
        "val": 2,  # what val and test share is the user's choice
        "test": 1,
    }
    for name in "ac":
        (images / f"train/{name}.jpg").write_bytes((images / "val/d.jpg").read_bytes())
    message = refusal(repair, find_detection_data(folder.root))
    assert "every training image is defect or in another split" in message


def test_masks_without_a_pixel_go_and_broken_codes_too_but_not_their_boxes(mended):
    def change(content):
        first, second, third = content["annotations"]
        first["segmentation"] = [[900, 900, 950, 900, 950, 950]]  # outside
        second["segmentation"] = {"size": [48, 64], "counts": "broken!"}
        third["segmentation"] = [[4, 4, 24, 4, 24, 24]]

    content, changes = mended(change)
    assert [record["id"] for record in content["annotations"]] == [1, 2, 3]
    assert [record["bbox"] for record in content["annotations"]] == [[4, 4, 20, 20]] * 3
    assert ["segmentation" in record for record in content["annotations"]] == [False, False, True]
    assert "annotation 1: its mask left out, mask without a pixel" in changes[0]
    assert "annotation 2: its mask left out, segmentation is malformed" in changes[1]


def test_crowds_become_objects_where_there_is_nothing_else(mended):
    def change(content):
        for record in content["annotations"]:
            record["iscrowd"] = 1

    content, (line,) = mended(change)
    assert line == "train: iscrowd set to 0 for 3 objects, as all were crowds"
    assert [record["iscrowd"] for record in content["annotations"]] == [0, 0, 0]


def test_only_the_chosen_classes_are_kept(folder):
    folder.coco("annotations/instances_train.json", "images", ["a.jpg"], label=1)
    data, _ = repair(find_detection_data(folder.root, ["dog"]))
    assert [c["name"] for c in data.splits["train"].content["categories"]] == ["dog"]
    assert np.asarray(Image.open(folder.root / "images/a.jpg")).shape == (48, 64, 3)


def test_a_mask_wholly_outside_its_box_is_warned_of_and_left_out(folder):
    content = folder.coco("annotations.json", "images", ["a.jpg", "b.jpg"])
    for record, start in zip(content["annotations"], (6, 30), strict=True):
        record["segmentation"] = [[start, 6, start + 10, 6, start + 10, 16]]
    folder.write("annotations.json", json.dumps(content))
    data = find_detection_data(folder.root)
    (defect,) = detection_defects(data, thorough=True)
    assert "annotation 2 " in str(defect) and "mask wholly outside its box" in str(defect)
    repaired, changes = repair(data)
    assert changes == [
        f"train: {folder.root / 'annotations.json'}: annotation 2: its mask left out, "
        "mask wholly outside its box"
    ]
    assert detection_defects(repaired, thorough=True) == []
    first, second = repaired.splits["train"].content["annotations"]
    assert "segmentation" in first and "segmentation" not in second
    assert second["bbox"] == [4, 4, 20, 20]
