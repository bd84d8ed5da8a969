"""Checking detection data: every defect is named with its file and its mend."""

import json
import time

import cv2
import data_folders
import pytest
from PIL import Image

from msa_backbone.data.detection.boxes import YOLO_CORNERS
from msa_backbone.data.detection.check import check_detection_data, detection_defects
from msa_backbone.data.detection.find import find_detection_data


@pytest.fixture
def coco(folder):
    """The content of both jsons of a sound folder of three train and two val images."""
    return {
        "train": folder.coco("annotations/train.json", "images", ["a.jpg", "b.jpg", "c.jpg"]),
        "val": folder.coco("annotations/val.json", "images", ["d.jpg", "e.jpg"]),
    }


@pytest.fixture
def voc(folder):
    """A sound folder of three images without lists."""
    folder.voc("images", "annotations", ["a", "b", "c"])
    return folder


@pytest.fixture
def check(folder):
    """Check the folder, with `contents` in place of its jsons."""

    def call(contents: dict[str, dict] | None = None, **options) -> list[str]:
        for split, content in (contents or {}).items():
            folder.write(f"annotations/{split}.json", json.dumps(content))
        return check_detection_data(find_detection_data(folder.root), **options)

    return call


def test_sound_data_pass_and_report_progress(check, coco):
    seen = []
    assert check(progress=lambda done, total: seen.append((done, total))) == []
    assert seen == [(i, 5) for i in range(1, 6)]


def test_sound_voc_passes_and_nothing_is_written(check, voc):
    before = {path: path.stat().st_mtime_ns for path in voc.root.rglob("*")}
    assert check() == []
    assert {path: path.stat().st_mtime_ns for path in voc.root.rglob("*")} == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bbox": [4, float("nan"), 20, 20]}, "box is not four finite numbers; correct or remove"),
        ({"bbox": [4, 4, float("inf"), 20]}, "box is not four finite numbers"),
        ({"bbox": [4, 4, 20]}, "box is not four finite numbers"),
        ({"bbox": [4, 4, 20, "20"]}, "box is not four finite numbers"),
        ({"bbox": 4}, "box is not four finite numbers"),
        ({"bbox": [4, 4, -20, 20]}, "box corners are swapped; order them left, top, right, bottom"),
        ({"bbox": [64, 4, 20, 20]}, "box wholly outside its image; correct or remove it"),
        ({"bbox": [4, -30, 20, 20]}, "box wholly outside its image"),
        ({"area": 0}, "area is not positive, so training would drop the box; set area to width"),
        ({"area": "four"}, "area is not positive"),
        ({"image_id": 99}, "image_id 99: unknown image id; list the image or remove"),
        ({"category_id": 99}, "category_id 99: unknown category id; list the category or remove"),
        ({"id": 2}, "annotation id used twice; give every annotation an id of its own"),
    ],
)
def test_fatal_annotations(check, coco, refusal, change, message):
    coco["train"]["annotations"][0] |= change
    text = refusal(check, coco)
    assert "/train.json: annotation " in text and message in text
    assert "more like it" not in text


def test_cases_of_a_kind_are_counted_over_the_splits(check, coco, refusal):
    for content in coco.values():
        for record in content["annotations"]:
            record["bbox"] = [500, 500, 20, 20]
    text = refusal(check, coco)
    assert "/train.json: annotation 1 [500, 500, 20, 20]" in text
    assert text.endswith("; 4 more like it")


def test_the_gravest_defect_is_named_first(check, coco, refusal):
    coco["train"]["annotations"][0]["bbox"] = [500, 500, 20, 20]
    coco["val"]["annotations"][0]["image_id"] = 99
    assert "unknown image id" in refusal(check, coco)


def test_ids_used_twice(check, coco, refusal):
    for content in coco.values():
        content["categories"][1]["id"] = 10
    text = refusal(check, coco)
    assert "/train.json: category id used twice; give every category" in text
    coco["train"]["images"][2]["id"] = 1
    coco["train"]["annotations"][2]["image_id"] = 1
    text = refusal(check, coco)
    assert "/train.json: image id 1: image listed twice; give every image" in text


def test_missing_image(check, coco, refusal):
    coco["train"]["images"] += [
        {"id": 10 + i, "file_name": f"gone{i}.jpg", "width": 64, "height": 48} for i in range(3)
    ]
    text = refusal(check, coco)
    assert "/train.json: " in text and "gone0.jpg: missing image; add the file" in text
    assert text.endswith("; 2 more like it")


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("limit", [5000, 0])
def test_truncated_image(folder, check, coco, refusal, suffix, limit):
    path = folder.image(f"images/cut.{suffix}")
    path.write_bytes(path.read_bytes()[:-200])
    coco["val"]["images"][0]["file_name"] = path.name
    text = refusal(check, coco, full_decode_limit=limit)
    assert str(path) in text and "unreadable image; replace the file" in text


def test_beyond_the_limit_only_the_header_and_the_end_are_read(check, coco, refusal, monkeypatch):
    def decode(content, flags):
        raise cv2.error("decoded")

    monkeypatch.setattr("cv2.imdecode", decode)
    assert check(full_decode_limit=0) == []
    assert "a.jpg (decoded): unreadable image" in refusal(check, full_decode_limit=1)


def test_bytes_after_the_end_of_an_image_are_no_defect(folder, check, coco):
    with (folder.root / "images" / "a.jpg").open("ab") as file:
        file.write(b"camera trailer")
    assert check(full_decode_limit=0) == []


def test_text_in_place_of_an_image(folder, check, coco, refusal):
    folder.write("images/e.jpg", "<html>404</html>")
    text = refusal(check)
    assert "e.jpg" in text and "unreadable image" in text


@pytest.mark.parametrize("stated", [(48, 64), ("wide", 48)])
def test_image_size_differs(check, coco, refusal, stated):
    coco["train"]["images"][1] |= {"width": stated[0], "height": stated[1]}
    text = refusal(check, coco)
    assert "b.jpg is 64 x 48, " in text and f"/train.json says {stated}: " in text
    assert "image size differs; correct the annotated size" in text


def test_exif_rotation_counts_for_the_size(folder, check, coco):
    exif = Image.Exif()
    exif[0x0112] = 6
    folder.image("images/b.jpg", size=(48, 64), exif=exif)
    assert check() == []


@pytest.mark.parametrize("change", [{"bbox": [4, 4, 0, 20]}, None])
def test_nothing_to_train_on(check, coco, refusal, change):
    for record in coco["train"]["annotations"]:
        record |= change or {}
    if change is None:
        coco["train"]["annotations"] = []
    text = refusal(check, coco)
    assert "/train.json: no object to train on; add boxes of the chosen classes" in text


def test_crowds_alone_are_nothing_to_train_on_but_for_semantic_masks(check, coco, refusal):
    for record in coco["train"]["annotations"]:
        record["iscrowd"] = 1
    text = refusal(check, coco)
    assert "/train.json: every object is a crowd (iscrowd 1, VOC: difficult), which" in text
    assert "CVAT's brush masks are such" in text and "--fix make them objects" in text
    assert check(coco, crowds=True) == []
    coco["train"]["annotations"][0]["iscrowd"] = 0
    assert check(coco) == []


@pytest.mark.parametrize("named", ["fractions", "corners"])
def test_boxes_in_another_form_are_one_error(check, coco, folder, refusal, named):
    boxes = {"fractions": [0.1, 0.1, 0.5, 0.9], "corners": [40, 30, 60, 44]}
    for record in coco["train"]["annotations"]:
        record["bbox"] = boxes[named]
    if named == "fractions":
        coco["train"]["images"][0] |= {"width": 0.0, "height": 0.0}
    text = refusal(check, coco)
    assert f"/train.json: boxes look like {named}" in text and "more like it" not in text
    mend = {"fractions": "multiply left and width by the image's width", "corners": "x2 - x1"}
    assert mend[named] in text
    (defect,) = detection_defects(find_detection_data(folder.root))
    assert defect.kind.startswith(f"boxes look like {named} ")
    assert defect.place == str(folder.root / "annotations/train.json")


def test_corners_in_yolo_s_labels_are_one_error(tmp_path):
    data_folders.yolo(tmp_path)
    for number in range(9):
        (path,) = tmp_path.glob(f"labels/*/image_{number}.txt")
        left, top, right, bottom = data_folders.corners_of(number)
        path.write_text(f"0 {left / 64} {top / 48} {right / 64} {bottom / 48}\n")
    defects = detection_defects(find_detection_data(tmp_path))
    assert {defect.kind for defect in defects} == {YOLO_CORNERS} and len(defects) == 2
    assert "write them as (x1 + x2) / 2" in str(defects[0])


def test_boxes_without_any_size_are_no_fractions(check, coco):
    for record in coco["val"]["annotations"]:
        record["bbox"] = [0, 0, 0, 0]
    thin, empty = check(coco)
    assert thin.startswith("box less than a pixel wide or high: 2 in val")
    assert empty.startswith("split without an object: 1 in val")


def test_fractions_in_xml_files(check, voc, refusal):
    for name in "abc":
        voc.edit(f"annotations/{name}.xml", ">5<", ">0.1<")
        voc.edit(f"annotations/{name}.xml", ">25<", ">0.75<")
    text = refusal(check)
    assert "/annotations: boxes look like fractions of the image" in text


def test_a_few_boxes_that_fit_as_corners_are_boxes(check, coco):
    coco["train"]["annotations"][0]["bbox"] = [40, 30, 60, 44]
    assert len(check(coco)) == 1  # a box partly outside its image
    coco["train"]["annotations"][1]["bbox"] = [50, 40, 40, 20]  # no corners
    coco["train"]["annotations"][2]["bbox"] = [50, 40, 60, 44]
    (warning,) = check(coco)
    assert warning.startswith("box partly outside its image: 3 in train")


@pytest.mark.parametrize(("first", "second"), [("Cell", "cell"), ("red cell", "red_cell")])
def test_classes_that_differ_in_case_or_spaces_only(folder, first, second):
    folder.voc("images", "annotations", ["a"], label=first)
    folder.voc("images", "annotations", ["b"], label=second)
    (warning,) = check_detection_data(find_detection_data(folder.root))
    assert warning.startswith("classes that differ in case or spaces only: 1 in train, first ")
    assert repr(first) in warning and repr(second) in warning


def test_warnings_have_a_count_and_the_first_case(check, coco):
    train, val = (coco[split]["annotations"] for split in ("train", "val"))
    train[0]["bbox"] = [4, 4, 0, 20]
    train[1]["bbox"] = [50, 4, 20, 20]
    val[0]["bbox"] = [4, 4, 20, 0.5]
    val[1]["bbox"] = [-5, 4, 20, 20]
    thin, partly = check(coco)
    assert thin.startswith("box less than a pixel wide or high: 1 in train, 1 in val, first ")
    assert "/train.json: annotation 1 [4, 4, 0, 20]; training drops it" in thin
    assert partly.startswith("box partly outside its image: 1 in train, 1 in val, first ")
    assert "annotation 2 [50, 4, 20, 20]; training clips it" in partly


def test_an_image_in_train_and_val_and_a_split_without_objects(check, coco):
    coco["val"] |= {"images": coco["train"]["images"][:2], "annotations": []}
    shared, empty = check(coco)
    assert shared.startswith("image also in the train split: 2 in val, first ")
    assert "a.jpg; its score tells little, keep it in one split" in shared
    assert "split without an object: 1 in val" in empty and "/val.json" in empty


def test_fields_of_the_user_are_left_alone(check, coco):
    for record in coco["train"]["images"] + coco["train"]["annotations"]:
        record["source"] = {"camera": 3}
    coco["train"]["annotations"][0]["bbox"] = [4, 4, 0, 20]
    (thin,) = check(coco)
    assert "/train.json: annotation 1 [4, 4, 0, 20]" in thin


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<xmin>5<", "<xmin>nan<", "[nan, 5, 25, 25]: box is not four finite numbers"),
        ("<xmin>5<", "<xmin>inf<", "[inf, 5, 25, 25]: box is not four finite numbers"),
        ("<xmin>5</xmin>", "", "[None, 5, 25, 25]: box is not four finite numbers"),
        ("<xmin>5<", "<xmin>26<", "[26, 5, 25, 25]: box corners are swapped"),
        ("<width>64<", "<width>0<", "b.xml says (0, 48): image size differs; correct"),
        ("<width>64<", "<width>wide<", "b.xml says ('wide', 48): image size differs"),
        ("<width>64</width>", "", "b.xml says (None, 48): image size differs"),
    ],
)
def test_fatal_voc(check, voc, refusal, old, new, message):
    voc.edit("annotations/b.xml", old, new)
    text = refusal(check)
    assert f"{voc.root}/annotations/b.xml" in text and message in text


@pytest.mark.parametrize("size", ["<size><width>64</width><height>48</height></size>", ""])
def test_voc_missing_and_unreadable_images(check, voc, refusal, size):
    voc.edit("annotations/c.xml", "<size><width>64</width><height>48</height></size>", size)
    voc.write("images/c.jpg", "<html>404</html>")
    assert "c.jpg (" in refusal(check) and "unreadable image; replace" in refusal(check)
    (voc.root / "images" / "c.jpg").unlink()
    text = refusal(check)
    assert "c.xml: " in text and "c.jpg: missing image; add the file" in text


def test_boxes_of_other_classes_are_not_checked(voc):
    voc.edit("annotations/b.xml", "cat", "dog")
    voc.edit("annotations/b.xml", "<xmin>5<", "<xmin>nan<")
    assert check_detection_data(find_detection_data(voc.root, classes=("cat",))) == []


def test_bccd_has_two_boxes_without_area(bccd):
    data = find_detection_data(bccd)
    start = time.process_time()
    (warning,) = check_detection_data(data)
    assert time.process_time() - start < 3
    assert warning.startswith("box less than a pixel wide or high: 1 in train, 1 in val, first ")
    assert "BloodImage_00343.xml: object 3 [181, 329, 181, 329]; training drops it" in warning


def test_coco128_is_sound(coco128):
    assert check_detection_data(find_detection_data(coco128)) == []
