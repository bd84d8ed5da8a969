"""tools/check_data.py finds every planted defect in copies of real data, and mends them."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from msa_backbone.data.detection.check import FATAL, WARNINGS, detection_defects
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.segmentation.check import check_segmentation_data
from msa_backbone.data.segmentation.find import find_segmentation_data

NAN = float("nan")
CAMVID = "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist"


@pytest.fixture
def real(request, tmp_path):
    """A copy of a real data set that may be spoiled: `real("coco128")`."""

    def copy(name):
        return shutil.copytree(request.getfixturevalue(name), tmp_path / name)

    return copy


def check(run_tool, capsys, *args) -> tuple[int, list[str], str]:
    with pytest.raises(SystemExit) as ended:
        run_tool("check_data", *args)
    text = capsys.readouterr().out
    lines = [line for line in text.splitlines() if line.startswith(("error: ", "warning: "))]
    return ended.value.code, lines, text


def plant_coco(root) -> dict[str, str]:
    """Spoil a copy of coco128: what is to be found, and what its line has to name."""
    train_path, val_path = (root / f"annotations/instances_{s}.json" for s in ("train", "val"))
    train, val = (json.loads(path.read_text()) for path in (train_path, val_path))
    images, records = train["images"], train["annotations"]
    # One ordinary object of each of many images.
    chosen, seen = [], set()
    for record in records:
        polygons = isinstance(record["segmentation"], list)
        large = polygons and min(record["bbox"][2:]) > 40 and min(record["bbox"][:2]) > 8
        if large and record["image_id"] not in seen:
            chosen.append(record)
            seen.add(record["image_id"])
    files = {image["id"]: image["file_name"] for image in images}
    (nan, swapped, outside, partly, thin, area, no_image, no_category, twin) = chosen[:9]
    malformed, empty, missing, truncated, text_file, size, entry, double = chosen[9:17]
    nan["bbox"] = [nan["bbox"][0], NAN, 30, 30]
    swapped["bbox"] = [swapped["bbox"][0] + 30, swapped["bbox"][1] + 30, -30, -30]
    outside["bbox"] = [5000, 10, 30, 30]
    partly["bbox"] = [-20, *partly["bbox"][1:]]
    thin["bbox"] = [*thin["bbox"][:2], 0, 30]
    area["area"] = 0
    no_image["image_id"] = 999_999
    no_category["category_id"] = 777
    records.append({**twin, "bbox": list(twin["bbox"])})
    malformed["segmentation"] = [[1, 2, 3]]
    empty["segmentation"] = [[8, 8, 8, 8, 8, 8]]
    pictures = root / "images"
    (pictures / files[missing["image_id"]]).unlink()
    path = pictures / files[truncated["image_id"]]
    path.write_bytes(path.read_bytes()[:2000])
    (pictures / files[text_file["image_id"]]).write_text("<html>404</html>")
    by_id = {image["id"]: image for image in images}
    by_id[size["image_id"]]["width"] += 7
    images.append(dict(by_id[entry["image_id"]]))
    images.append({**by_id[double["image_id"]], "id": 888_888})
    shutil.copy(pictures / files[twin["image_id"]], pictures / "copy.jpg")
    val["images"].append({**by_id[twin["image_id"]], "id": 777_777, "file_name": "copy.jpg"})
    train["categories"].append({"id": train["categories"][3]["id"], "name": "drone"})
    val["categories"].append({"id": train["categories"][3]["id"], "name": "drone"})
    train_path.write_text(json.dumps(train))
    val_path.write_text(json.dumps(val))
    return {
        "box is not four finite numbers": f"annotation {nan['id']} ",
        "box corners are swapped": f"annotation {swapped['id']} ",
        "box wholly outside its image": f"annotation {outside['id']} ",
        "box partly outside its image": f"annotation {partly['id']} ",
        "box less than a pixel wide or high": f"annotation {thin['id']} ",
        "area is not positive, so training would drop the box": f"annotation {area['id']} ",
        "unknown image id": f"annotation {no_image['id']} ",
        "unknown category id": f"annotation {no_category['id']} ",
        "annotation id used twice": f"annotation {twin['id']} ",
        "segmentation is malformed": f"annotation {malformed['id']} ",
        "mask without a pixel": f"annotation {empty['id']} ",
        "missing image": files[missing["image_id"]],
        "unreadable image": files[truncated["image_id"]],
        "unreadable image (2)": files[text_file["image_id"]],
        "image size differs": files[size["image_id"]],
        "image listed twice": f"image id {entry['image_id']}",
        "image file under two ids": files[double["image_id"]],
        "image also in the train split": "copy.jpg",
        "category id used twice": "instances_train.json",
        "category id used twice (2)": "instances_val.json",
    }


def test_every_defect_planted_in_coco128_is_found_and_mended(run_tool, real, tmp_path, capsys):
    root, fixed = real("coco128"), tmp_path / "fixed"
    planted = plant_coco(root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    code, lines, text = check(run_tool, capsys, root, "--fix", fixed)
    assert code == 1
    for kind, place in planted.items():
        kind = kind.removesuffix(" (2)")
        (line,) = [line for line in lines if kind in line and place in line]
        assert line.startswith("error" if kind in FATAL else "warning")
        assert (FATAL | WARNINGS)[kind] in line  # what to do about it
    assert len(lines) == len(planted)  # and nothing else
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*")}

    assert "not mended" not in text
    data = find_detection_data(fixed)
    assert detection_defects(data, thorough=True) == []
    api = COCO(fixed / "annotations/instances_train.json")
    # Two images unreadable, one missing, one of another size, one in val too.
    assert len(api.imgs) == 104 - 5
    own = api.loadAnns(api.getAnnIds())
    assert len({record["id"] for record in own}) == len(own)
    changes = text.split("Repaired copy")[1].splitlines()[1:-1]
    assert len(changes) >= len(planted) - 3


def test_originals_have_only_real_defects(run_tool, coco128, bccd, capsys):
    assert check(run_tool, capsys, coco128)[:2] == (0, [])
    code, lines, text = check(run_tool, capsys, bccd)
    assert code == 0 and "0 errors, 2 warnings" in text
    assert [line.split(": ")[1] for line in lines] == ["train", "val"]
    assert "BloodImage_00343.xml: object 3 [181, 329, 181, 329]" in lines[0]
    assert "BloodImage_00338.xml: object 12 [504, 337, 504, 337]" in lines[1]


def test_defects_planted_in_bccd(run_tool, real, tmp_path, capsys):
    root, fixed = real("bccd"), tmp_path / "fixed"
    voc = root / "VOC2007"
    train = (voc / "ImageSets/Main/train.txt").read_text().split()

    def edit(stem, old, new):
        path = voc / "Annotations" / f"{stem}.xml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    edit(train[0], "<xmin>", "<xmin>no number")
    edit(train[1], "<xmin>", "<xmin>9")  # a digit in front: right of the right edge
    edit(train[2], "<width>640<", "<width>600<")
    (voc / "JPEGImages" / f"{train[3]}.jpg").unlink()
    path = voc / "JPEGImages" / f"{train[4]}.jpg"
    path.write_bytes(path.read_bytes()[:5000])
    shutil.copy(voc / "JPEGImages" / f"{train[6]}.jpg", path := voc / "JPEGImages/copy.jpg")
    shutil.copy(voc / "Annotations" / f"{train[6]}.xml", voc / "Annotations/copy.xml")
    with (voc / "ImageSets/Main/test.txt").open("a") as file:
        file.write("copy\n")
    code, lines, _ = check(run_tool, capsys, root, "--fix", fixed)
    assert code == 1
    for stem, kind in (
        (train[0], "box is not four finite numbers"),
        (train[1], "box corners are swapped"),
        (train[2], "image size differs"),
        (train[3], "missing image"),
        (train[4], "unreadable image"),
        ("copy", "image also in the train split"),
    ):
        assert sum(kind in line and stem in line for line in lines) == 1, (kind, lines)
    assert len(lines) == 6 + 2
    data = find_detection_data(fixed)
    assert data.format == "voc" and detection_defects(data, thorough=True) == []
    assert len(data.splits["train"].content["images"]) == 205 - 4


def test_masks(run_tool, camvid, tmp_path, capsys):
    names = CAMVID.split()
    root = shutil.copytree(camvid, tmp_path / "camvid")
    assert check(run_tool, capsys, root, "--masks", "--classes", *names)[:2] == (0, [])
    first, second, third, *_ = sorted((root / "masks/train").iterdir())
    pixels = np.asarray(Image.open(first)).copy()
    pixels[5, 5] = 77
    Image.fromarray(pixels).save(first)
    Image.open(second).resize((100, 80)).save(second)
    Image.open(third).convert("RGB").save(third)
    code, lines, _ = check(run_tool, capsys, root, "--masks", "--classes", *names)
    assert code == 1 and len(lines) == 3
    for path, reason in ((first, "the value 77"), (second, "is 100 x 80"), (third, "in colours")):
        assert sum(str(path) in line and reason in line for line in lines) == 1
    fourth = sorted((root / "masks/train").iterdir())[3]
    fourth.unlink()
    options = ("--masks", "--classes", *names, "--fix", tmp_path / "fixed")
    with pytest.raises(SystemExit):
        run_tool("check_data", root, *options)
    printed = capsys.readouterr().out
    assert "4 errors" in printed and "\n  4 changes\n" in printed and "not mended" not in printed
    for path in (first, second, third, fourth):
        assert sum(f"{path.stem}." in line and "left out" in line for line in printed.split("\n"))
    data = find_segmentation_data(tmp_path / "fixed")
    assert data.classes == tuple(names) and check_segmentation_data(data) == []
    kept = sorted(path.stem for path in (tmp_path / "fixed/masks/train").iterdir())
    gone = {path.stem for path in (first, second, third, fourth)}
    assert kept == sorted(p.stem for p in (root / "images/train").iterdir() if p.stem not in gone)
    for name in kept:
        masks = (folder / f"masks/train/{name}.png" for folder in (root, tmp_path / "fixed"))
        assert np.array_equal(*(np.asarray(Image.open(mask)) for mask in masks)), name


def test_what_cannot_be_done_is_said(run_tool, coco128, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(SystemExit, match="there: is there already"):
        run_tool("check_data", coco128, "--fix", tmp_path / "there")
    with pytest.raises(SystemExit, match="mends instances without --masks"):
        run_tool("check_data", coco128, "--masks", "--fix", tmp_path / "new")
    with pytest.raises(SystemExit, match="no such folder"):
        run_tool("check_data", tmp_path / "nowhere")
