"""tools/check_data.py on folders as other tools write them: the verdict, and what --fix writes."""

import json
import os

import numpy as np
import pytest
from data_folders import coco, voc, yolo
from PIL import Image

from msa_backbone.config.user_data import UserData
from msa_backbone.data.detection.check import detection_defects
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.instance_masks import decode_mask
from msa_backbone.errors import DataError

NAMES = [f"{number}.jpg" for number in range(4)]
RUNS = {"size": [48, 64], "counts": [200, 20, 28, 20, 2804]}
RECTANGLE = [[4, 4, 24, 4, 24, 24, 4, 24]]


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        Image.new("RGB", (64, 48), (number, 90, 0)).save(folder / "images" / name)
    return folder


@pytest.fixture
def checked(root, run_tool, capsys, tmp_path):
    """Check a json with objects that are changed by `changes`: code, printed lines, fixed json."""

    def call(changes: list[dict], *options: str, fix: bool = False):
        box = {"category_id": 1, "bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0}
        content = {
            "images": [
                {"id": i, "file_name": name, "width": 64, "height": 48}
                for i, name in enumerate(NAMES)
            ],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [
                {"id": i + 1, "image_id": i, **box, **change} for i, change in enumerate(changes)
            ],
        }
        for record in content["annotations"]:
            for key in [key for key, value in record.items() if value == "drop"]:
                del record[key]
        path = root / "annotations/instances_train.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content))
        out = tmp_path / "fixed"
        with pytest.raises(SystemExit) as ended:
            run_tool("check_data", root, *options, *(("--fix", out) if fix else ()))
        written = out / "annotations/instances_train.json"
        fixed = json.loads(written.read_text()) if written.is_file() else None
        return ended.value.code, capsys.readouterr().out.splitlines(), fixed

    return call


def test_fix_writes_what_was_derived(checked, tmp_path):
    changes = [{"area": "drop", "iscrowd": "drop", "id": f"x{i}"} for i in range(4)]
    changes[0]["segmentation"] = [[4, 4, 14, 4, 14, 24, 4, 24]]
    code, lines, fixed = checked(changes, fix=True)
    assert code == 0 and "0 errors, 0 warnings" in lines
    assert "  train: iscrowd set to 0: 4" in lines
    assert "  train: areas from masks or boxes: 4" in lines
    assert "  train: ids of annotations made whole numbers: 4, first 'x0' is 1" in lines
    assert [r["area"] for r in fixed["annotations"]] == [200, 400, 400, 400]
    assert [r["iscrowd"] for r in fixed["annotations"]] == [0] * 4
    assert [r["id"] for r in fixed["annotations"]] == [1, 2, 3, 4]
    assert all("found_at" not in r for r in fixed["annotations"] + fixed["images"])
    data = find_detection_data(tmp_path / "fixed")
    assert data.splits["train"].ann_file is not None  # nothing is left to derive
    assert detection_defects(data, thorough=True) == []


def test_the_check_goes_on_after_spoilt_records(checked):
    changes = [{"image_id": "drop"}, {"category_id": []}, {"bbox": [1, 2, 3]}, {"area": 0}]
    code, lines, fixed = checked(changes, fix=True)
    errors = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and "5 errors, 0 warnings" in lines and len(errors) == 5
    assert "annotations[0] has no 'image_id'; add it" in errors[0]
    assert "annotations[1]: 'category_id' is no number or text; correct it" in errors[1]
    assert "annotation 3 [1, 2, 3]: box is not four finite numbers" in errors[2]
    assert "annotation 4 [4, 4, 20, 20]: area is not positive" in errors[3]
    assert "no object to train on" in errors[4]
    assert [r["id"] for r in fixed["annotations"]] == [4]
    assert any("annotations[0] has no 'image_id': left out" in line for line in lines)


def test_crowds_alone(checked, tmp_path):
    changes = [{"iscrowd": 1, "segmentation": RUNS}] * 4
    code, lines, fixed = checked(changes, fix=True)
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and "every object is a crowd" in error and "CVAT's brush masks" in error
    assert [r["iscrowd"] for r in fixed["annotations"]] == [0] * 4
    assert fixed["annotations"][0]["segmentation"] == RUNS
    assert detection_defects(find_detection_data(tmp_path / "fixed"), thorough=True) == []


def test_crowds_alone_are_sound_semantic_masks(checked):
    code, lines, _ = checked([{"iscrowd": 1, "segmentation": RUNS}] * 4, "--masks")
    assert code == 0 and lines[-1] == "0 errors, 0 warnings"
    assert decode_mask(RUNS, 48, 64).sum() == 40


@pytest.mark.parametrize(
    "segmentation",
    [
        [10, 8, 34, 8, 34, 28],
        [[10, 8, 34, 28]],
        {"size": [48, 64], "counts": [100, 20]},
        {"size": [48, 64], "counts": ""},
        {"size": [48, 64], "counts": "hello"},
    ],
)
def test_a_bad_mask_is_named_and_its_box_kept(checked, root, segmentation):
    changes = [{"segmentation": segmentation}] + [{"segmentation": RECTANGLE}] * 3
    code, lines, fixed = checked(changes, fix=True)
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and "annotation 1 [4, 4, 20, 20]: segmentation is malformed" in error
    assert [r["bbox"] for r in fixed["annotations"]] == [[4, 4, 20, 20]] * 4
    assert [r.get("segmentation") for r in fixed["annotations"]] == [None, *[RECTANGLE] * 3]


@pytest.mark.parametrize("box", [[0.1, 0.2, 0.3, 0.4], [30, 30, 50, 44]])
def test_boxes_in_another_form_are_not_mended(checked, tmp_path, box):
    code, lines, fixed = checked([{"bbox": box}] * 4)
    assert code == 1 and lines[-1] == "1 errors, 0 warnings"
    code, lines, fixed = checked([{"bbox": box}] * 4, fix=True)
    assert "boxes look like " in code and "--fix mends single boxes only" in code
    assert fixed is None and not (tmp_path / "fixed").exists()


def test_degenerate_boxes(checked):
    changes = [
        {"bbox": [10, 8, 0, 20], "area": 0},
        {"bbox": [34, 28, -24, -20]},
        {"area": 0},
        {"bbox": [float("nan"), 8, 24, 20]},
    ]
    code, lines, fixed = checked(changes, fix=True)
    assert code == 1 and "4 errors, 1 warnings" in lines
    boxes = {r["id"]: (r["bbox"], r["area"]) for r in fixed["annotations"]}
    assert boxes == {2: ([10, 8, 24, 20], 400), 3: ([4, 4, 20, 20], 400)}


def test_testing_refuses_a_test_split_of_images_alone(root, checked):
    checked([{}] * 4)
    test = {"images": [{"id": 1, "file_name": "0.jpg", "width": 64, "height": 48}]}
    (root / "annotations/test.json").write_text(json.dumps(test))
    data = find_detection_data(root)
    assert np.array_equal(sorted(data.splits), ["train"])
    with pytest.raises(DataError, match=r"test.json: its images have no annotations to test with"):
        UserData(data, root, ()).require_labels()


def test_every_bad_mask_of_objects_is_listed(checked, root):
    malformed, bare = {"segmentation": [[1, 2, 3]]}, {}
    code, lines, _ = checked([malformed, {"segmentation": RECTANGLE}, bare, malformed], "--masks")
    errors = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and len(errors) == 3 and "3 errors, 0 warnings" in lines
    assert "annotation 1 [4, 4, 20, 20]: segmentation is malformed" in errors[0]
    assert "annotation 4 [4, 4, 20, 20]: segmentation is malformed" in errors[1]
    assert "annotation 3 has no segmentation" in errors[2]
    code, lines, _ = checked([{}] * 4, "--masks")
    errors = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and len(errors) == 2  # of train and of val, in which there is one object
    assert "has no segmentation, nor has any other, and" in errors[0]


def test_spoilt_records_are_listed_for_masks_too(checked):
    changes = [{"segmentation": RECTANGLE}] * 3 + [{"image_id": "drop"}]
    code, lines, _ = checked(changes, "--masks")
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and "annotations[3] has no 'image_id'; add it" in error


def test_every_bad_mask_of_voc_s_objects_is_listed(root, run_tool, capsys, tmp_path):
    for number in range(4):
        (root / "Annotations").mkdir(exist_ok=True)
        (root / f"Annotations/{number}.xml").write_text(
            "<annotation><size><width>64</width><height>48</height></size><object><name>cell</name>"
            "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>25</xmax><ymax>25</ymax></bndbox></object>"
            "</annotation>"
        )
    (root / "images").rename(root / "JPEGImages")
    (root / "SegmentationObject").mkdir()
    sizes = {0: (64, 48), 1: (9, 9), 2: (8, 8)}
    for number, size in sizes.items():
        Image.new("L", size, 1).save(root / f"SegmentationObject/{number}.png")
    (root / "SegmentationObject/3.png").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as ended:
        run_tool("check_data", root, "--fix", tmp_path / "fixed")
    lines = capsys.readouterr().out.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert ended.value.code == 1 and "3 errors, 0 warnings" in lines
    assert [f"SegmentationObject/{n}.png" in e for n, e in zip((1, 2, 3), errors, strict=True)]
    fixed = sorted(path.name for path in (tmp_path / "fixed/SegmentationObject").iterdir())
    assert fixed == ["0.png"] and "  3 changes" in lines


def test_names_that_are_no_utf_8_are_listed_and_left_out(root, run_tool, capsys, tmp_path):
    (root / "labels").mkdir()
    for number in range(4):
        (root / f"labels/{number}.txt").write_text("0 0.5 0.5 0.25 0.5\n")
    for number in (2, 3):
        for path in (root / f"images/{number}.jpg", root / f"labels/{number}.txt"):
            name = b"\xe4%d%b" % (number, path.suffix.encode())
            os.rename(path, os.path.join(os.fsencode(path.parent), name))
    (root / "data.yaml").write_text("train: images\nnames: [cell]\n")
    with pytest.raises(SystemExit) as ended:
        run_tool("check_data", root, "--fix", tmp_path / "fixed")
    lines = capsys.readouterr().out.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    assert ended.value.code == 1 and len(errors) == 2
    assert "images/\\udce42.jpg: name that is no UTF-8" in errors[0] and "rename it" in errors[0]
    assert sum("left out with its objects, name that is no UTF-8" in line for line in lines) == 2
    fixed = sorted(path.name for path in (tmp_path / "fixed/images/train").iterdir())
    assert fixed == ["0.jpg", "1.jpg"]


@pytest.mark.parametrize("write", [coco, voc, yolo])
def test_a_repaired_copy_shares_no_image_file(run_tool, tmp_path, write):
    write(tmp_path / "data")
    with pytest.raises(SystemExit):
        run_tool("check_data", tmp_path / "data", "--fix", tmp_path / "fixed")
    images = list((tmp_path / "fixed").rglob("*.jpg"))
    assert len(images) == 9 and all(path.stat().st_nlink == 1 for path in images)


@pytest.mark.parametrize(
    ("tool", "options"),
    [
        ("check_data", ("ROOT", "--fix", "OUT")),
        ("make_subset", ("coco", "ROOT", "OUT", "--fraction", 0.5)),
        ("make_crops", ("ROOT", "OUT")),
    ],
)
def test_a_copy_beside_the_only_folder_of_the_one_named_is_refused(
    run_tool, capsys, tmp_path, tool, options
):
    """The folder named would hold two, of which nobody knows which is meant."""
    named = tmp_path / "named"
    voc(named / "blood")
    words = {"ROOT": named, "OUT": named / "out"}
    with pytest.raises(SystemExit) as ended:
        run_tool(tool, *(words.get(option, option) for option in options))
    assert f"{named}/out: lies inside the data {named}; choose another" in str(ended.value)
    assert [path.name for path in named.iterdir()] == ["blood"]
