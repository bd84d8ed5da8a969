"""Subsets: what is chosen, and that it can be read again as COCO and as VOC."""

import json
import math
import os
import random
import subprocess
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pycocotools.coco import COCO

from msa_backbone.data.detection.classes import require_read
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.voc_masks import with_masks
from msa_backbone.data.formats.write_coco import write_coco_data
from msa_backbone.data.formats.write_voc import write_voc_data
from msa_backbone.data.formats.yolo.write import write_yolo_data
from msa_backbone.data.segmentation.check import check_segmentation_data
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.subset.choose import (
    choose_subset,
    describe,
    is_made,
    object_counts,
    stamp,
)
from msa_backbone.errors import DataError
from msa_backbone.files.whole_files import complete_folder

from .large_coco import write_large_coco

CLASSES = ("cat", "dog", "bird")


def names(data, split="train"):
    return sorted(image["file_name"] for image in data.splits[split].content["images"])


def labels(split):
    named = {c["id"]: c["name"] for c in split.content["categories"]}
    return [named[record["category_id"]] for record in split.content["annotations"]]


@pytest.fixture
def coco(folder):
    """30 training and 10 val images with fractional boxes and polygons of cats, dogs, birds."""
    for split, count, start in (("train", 30, 0), ("val", 10, 100)):
        files = [f"{start + i:03}.png" for i in range(count)]
        content = folder.coco(f"annotations/instances_{split}.json", f"images/{split}", files)
        content["categories"] = [
            {"id": 10 * (i + 1), "name": name, "supercategory": "animal"}
            for i, name in enumerate(CLASSES)
        ]
        generator = random.Random(start)
        content["annotations"] = []
        for i in range(count * 2):
            left, top = round(generator.uniform(0, 30), 2), round(generator.uniform(0, 20), 2)
            width, height = round(generator.uniform(8, 30), 2), round(generator.uniform(8, 25), 2)
            right, bottom = left + width, top + height
            content["annotations"].append(
                {
                    "id": i + 1,
                    "image_id": i // 2 if i % 8 else 0,  # some images stay empty
                    "category_id": generator.choice((10, 10, 10, 20, 20, 30)),
                    "bbox": [left, top, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "segmentation": [[left, top, right, top, right, bottom, left, bottom]],
                    "track": f"t{i}",
                }
            )
        folder.write(f"annotations/instances_{split}.json", json.dumps(content))
    return folder


def test_every_split_shrinks_alike_and_the_report_is_right(coco):
    data = find_detection_data(coco.root)
    subset, reports = choose_subset(data, fraction=0.5)
    assert [len(names(subset, split)) for split in ("train", "val")] == [15, 5]
    assert set(names(subset)) < set(names(data))
    train, full = subset.splits["train"], data.splits["train"]
    ids = {image["id"] for image in train.content["images"]}
    kept = [r for r in full.content["annotations"] if r["image_id"] in ids]
    assert train.content["annotations"] == kept
    report = reports["train"]
    assert (report.images, report.all_images) == (15, 30)
    assert (report.objects, report.all_objects) == (len(kept), 60)
    shares = [[labels(s).count(name) / len(labels(s)) for name in CLASSES] for s in (train, full)]
    by_hand = np.abs(np.subtract(*shares)).sum() / 2
    assert report.distance.classes == pytest.approx(by_hand) and by_hand < 0.05
    assert report.random > by_hand
    assert f"| train | 15 of 30 | {len(kept)} of 60 |" in describe(reports)


def test_a_number_counts_training_images_and_splits_can_stay_whole(coco):
    data = find_detection_data(coco.root)
    subset, _ = choose_subset(data, number=6)
    assert [len(names(subset, split)) for split in ("train", "val")] == [6, 2]
    subset, _ = choose_subset(data, number=6, whole=["val"])
    assert [len(names(subset, split)) for split in ("train", "val")] == [6, 10]


def test_the_order_of_files_and_records_is_irrelevant(coco):
    before, _ = choose_subset(find_detection_data(coco.root), fraction=0.3, seed=4)
    path = coco.root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    shuffle = random.Random(1).shuffle
    shuffle(content["images"])
    shuffle(content["annotations"])
    new = {image["id"]: 1000 - image["id"] for image in content["images"]}
    for image in content["images"]:
        image["id"] = new[image["id"]]
    for record in content["annotations"]:
        record["image_id"] = new[record["image_id"]]
    path.write_text(json.dumps(content))
    after, _ = choose_subset(find_detection_data(coco.root), fraction=0.3, seed=4)
    assert names(before) == names(after) and names(before, "val") == names(after, "val")
    other, _ = choose_subset(find_detection_data(coco.root), fraction=0.3, seed=5)
    assert names(other) != names(after)


def test_chosen_classes_and_areas(coco):
    data = find_detection_data(coco.root, ["dog", "bird"])
    subset, reports = choose_subset(data, fraction=1, area=(200, 500))
    train = subset.splits["train"]
    assert set(labels(train)) == {"dog", "bird"}
    assert all(200 <= r["area"] < 500 for r in train.content["annotations"])
    full = data.splits["train"].content
    wanted = {
        r["image_id"]
        for r in full["annotations"]
        if r["category_id"] in (20, 30) and 200 <= r["area"] < 500
    }
    empty = {i["id"] for i in full["images"]} - {r["image_id"] for r in full["annotations"]}
    assert {i["id"] for i in train.content["images"]} == wanted | empty
    assert reports["train"].all_objects == len(train.content["annotations"])


def test_classes_that_fall_short_are_named(coco):
    data = find_detection_data(coco.root)
    birds = labels(data.splits["train"]).count("bird")
    subset, reports = choose_subset(data, number=1, min_objects=birds)
    assert reports["train"].short["bird"] == labels(subset.splits["train"]).count("bird")
    assert "train has fewer objects than asked for" in describe(reports)
    _, reports = choose_subset(data, number=25, min_objects=birds)
    assert reports["train"].short == {}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either a fraction or a number"),
        ({"fraction": 0.5, "number": 3}, "either a fraction or a number"),
        ({"fraction": 0}, "fraction 0: give more than 0"),
        ({"fraction": 1.5}, "at most 1"),
        ({"number": 31}, "number 31: train has 30 images"),
        ({"fraction": 1, "whole": ["test"]}, "no split test: choose from train, val"),
        ({"number": 5, "whole": ["train"]}, "train is kept whole: give a fraction"),
        ({"fraction": 1, "area": (9, 3)}, "area 9 to 3: give the smaller limit first"),
        ({"fraction": 1, "seed": -1}, "give 0 or more"),
        ({"fraction": 1, "area": (1e6, math.inf)}, "no train image has an object"),
    ],
)
def test_impossible_options(coco, options, message):
    if options.get("area", (0, 0))[0] == 1e6:  # empty images alone are no subset
        path = coco.root / "annotations/instances_train.json"
        content = json.loads(path.read_text())
        used = {record["image_id"] for record in content["annotations"]}
        content["images"] = [i for i in content["images"] if i["id"] in used]
        path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        choose_subset(find_detection_data(coco.root), **options)


def test_defects_are_refused(coco, refusal):
    path = coco.root / "annotations/instances_val.json"
    content = json.loads(path.read_text())
    content["annotations"][3]["image_id"] = 77
    path.write_text(json.dumps(content))
    data = find_detection_data(coco.root)
    assert "unknown image id" in refusal(choose_subset, data, fraction=0.5)


@pytest.mark.parametrize("images", ["link", "copy", "list"])
def test_coco_to_coco(coco, tmp_path, images):
    subset, _ = choose_subset(find_detection_data(coco.root), fraction=0.5)
    out = tmp_path / "out"
    out.mkdir()
    write_coco_data(subset, out, images)
    again = find_detection_data(out)
    api = COCO(out / "annotations/instances_train.json")
    source = COCO(coco.root / "annotations/instances_train.json")
    assert len(api.imgs) == 15 and len(api.anns) == len(
        subset.splits["train"].content["annotations"]
    )
    assert api.cats == source.cats  # kept as they are
    for id_, record in api.anns.items():
        assert record == source.anns[id_]  # every field, also "track", which COCO does not have
    for split, own in again.splits.items():
        for image in own.content["images"]:
            original = coco.root / "images" / split / image["file_name"].rpartition("/")[2]
            path = own.image_dir / image["file_name"]
            assert path.samefile(original) == (images != "copy")
            assert path.read_bytes() == original.read_bytes()
    assert (out / "images").exists() == (images != "list")


def test_reindexed_categories_count_from_one(coco, tmp_path):
    subset, _ = choose_subset(find_detection_data(coco.root, ["dog", "bird"]), fraction=0.5)
    write_coco_data(subset, tmp_path, reindex=True)
    content = json.loads((tmp_path / "annotations/instances_train.json").read_text())
    assert [c["id"] for c in content["categories"]] == [1, 2]
    assert {r["category_id"] for r in content["annotations"]} == {1, 2}
    again = find_detection_data(tmp_path)
    assert labels(again.splits["train"]) == labels(subset.splits["train"])


def test_semantic_masks_feed_a_segmentation_config(coco, tmp_path):
    subset, _ = choose_subset(find_detection_data(coco.root), fraction=0.5)
    write_coco_data(subset, tmp_path, semantic=True)
    data = find_segmentation_data(tmp_path)
    assert data.instances is None and data.classes == ("background", *CLASSES)
    assert check_segmentation_data(data) == []
    for name in data.splits["train"].names:
        image = next(
            i for i in subset.splits["train"].content["images"] if i["file_name"] == f"{name}.png"
        )
        own = [
            r for r in subset.splits["train"].content["annotations"] if r["image_id"] == image["id"]
        ]
        values = set(np.unique(np.asarray(Image.open(data.splits["train"].mask(name)))))
        assert values - {0} <= {r["category_id"] // 10 for r in own}
        assert (values == {0}) == (not own)


def boxes(data, split):
    """Name, class and box of every object, by image."""
    content = data.splits[split].content
    files = {i["id"]: i["file_name"].rpartition(".")[0] for i in content["images"]}
    pairs = zip(content["annotations"], labels(data.splits[split]), strict=True)
    return {
        stem: [(label, r["bbox"]) for r, label in pairs_of]
        for stem, pairs_of in _grouped(pairs, files).items()
    }


def _grouped(pairs, files):
    groups = {stem: [] for stem in files.values()}
    for record, label in pairs:
        groups[files[record["image_id"]]].append((record, label))
    return groups


def test_coco_to_voc_and_back_keeps_boxes_crowds_and_masks(coco, tmp_path):
    path = coco.root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][1]["iscrowd"] = 1
    path.write_text(json.dumps(content))
    data = find_detection_data(coco.root)
    voc, back = tmp_path / "voc", tmp_path / "back"
    voc.mkdir()
    back.mkdir()
    write_voc_data(data, voc)
    read = find_detection_data(voc)
    assert read.format == "voc" and set(read.classes) == set(CLASSES)
    write_coco_data(with_masks(read), back)
    again = find_detection_data(back)
    for split in ("train", "val"):
        first, last = boxes(data, split), boxes(again, split)
        assert first.keys() == last.keys()
        for stem, objects in first.items():
            assert [o[0] for o in objects] == [o[0] for o in last[stem]]
            for (_, before), (_, after) in zip(objects, last[stem], strict=True):
                assert np.abs(np.subtract(before, after)).max() <= 0.01
    crowds = [r["iscrowd"] for r in again.splits["train"].content["annotations"]]
    assert sum(crowds) == 1
    # Where nothing lies on an object, its mask comes back pixel by pixel.
    before, after = COCO(path), COCO(back / "annotations/instances_train.json")
    alone = [i for i in before.imgs if len(before.getAnnIds(i)) == 1]
    assert len(alone) > 3
    ids = {i["file_name"]: i["id"] for i in after.imgs.values()}
    for image in alone:
        own = before.loadAnns(before.getAnnIds(image))[0]
        other = after.loadAnns(after.getAnnIds(ids[before.imgs[image]["file_name"]]))[0]
        assert np.array_equal(before.annToMask(own), after.annToMask(other))


def test_masks_of_voc_are_those_of_segmentation(coco, tmp_path):
    data = find_detection_data(coco.root)
    write_voc_data(data, tmp_path)
    masks = find_segmentation_data(tmp_path)
    assert masks.classes == ("background", *CLASSES) and check_segmentation_data(masks) == []
    with_objects = [stem for stem, objects in boxes(data, "train").items() if objects]
    assert sorted(masks.splits["train"].names) == sorted(with_objects)


def test_a_dropped_class_leaves_the_masks_of_the_others_in_place(coco, tmp_path):
    full, part = tmp_path / "full", tmp_path / "part"
    full.mkdir()
    part.mkdir()
    write_voc_data(find_detection_data(coco.root), full)
    subset, _ = choose_subset(with_masks(find_detection_data(full, ["dog"])), fraction=1)
    write_coco_data(subset, part)
    api = COCO(part / "annotations/instances_train.json")
    assert api.anns
    for record in api.anns.values():
        stem = api.imgs[record["image_id"]]["file_name"].rpartition(".")[0]
        classes = np.asarray(Image.open(full / f"SegmentationClass/{stem}.png"))
        if "segmentation" in record:
            assert (classes[api.annToMask(record) == 1] == 2).all()


def test_voc_names_have_no_folders_and_do_not_collide(folder, tmp_path):
    folder.coco("annotations/instances_train.json", "images", ["a/1.jpg", "b/1.jpg"])
    write_voc_data(find_detection_data(folder.root), tmp_path / "out")
    assert {p.name for p in (tmp_path / "out/JPEGImages").iterdir()} == {"a_1.jpg", "b_1.jpg"}
    folder.coco("annotations/instances_train.json", "images", ["a/1.jpg", "a_1.jpg"])
    write_voc_data(find_detection_data(folder.root), tmp_path / "two")
    found = {p.name for p in (tmp_path / "two/JPEGImages").iterdir()}
    assert found == {"a_1.jpg", "train_a_1.jpg"}


@pytest.mark.parametrize("write", [write_coco_data, write_voc_data])
def test_malformed_masks_are_not_passed_on(coco, tmp_path, refusal, write):
    coco.edit("annotations/instances_train.json", '"segmentation": [[', '"segmentation": [[NaN, ')
    data = find_detection_data(coco.root)
    assert "segmentation is malformed" in refusal(write, data, tmp_path)


def test_masks_that_voc_cannot_hold_are_counted(coco, tmp_path):
    coco.edit("annotations/instances_val.json", '"segmentation": [[', '"other": [[')
    notes = write_voc_data(find_detection_data(coco.root), tmp_path / "out")
    assert notes == []  # no object of val has a mask
    content = json.loads((coco.root / "annotations/instances_train.json").read_text())
    first = content["annotations"][1]
    del first["segmentation"]
    (coco.root / "annotations/instances_train.json").write_text(json.dumps(content))
    (note,) = write_voc_data(find_detection_data(coco.root), tmp_path / "two")
    assert note.startswith("train: 1 images without their masks, as an object has none")


def test_class_masks_without_object_masks_are_mentioned(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    (folder.root / "SegmentationClass").mkdir()
    notes = with_masks(find_detection_data(folder.root)).notes
    assert notes[-1].startswith("not used: SegmentationClass, as there is no SegmentationObject")


@pytest.mark.parametrize("name", ["void", "a\nb", " "])
def test_class_names_that_a_list_of_classes_cannot_hold(coco, tmp_path, refusal, name):
    for split in ("train", "val"):
        coco.edit(f"annotations/instances_{split}.json", '"bird"', json.dumps(name))
    data = find_detection_data(coco.root)
    message = refusal(write_coco_data, data, tmp_path / "out", semantic=True)
    assert f"class {name!r}: cannot stand in classes.txt" in message


def test_a_class_named_background_is_the_background_of_voc_masks_too(coco, tmp_path):
    for split in ("train", "val"):
        coco.edit(f"annotations/instances_{split}.json", '"cat"', '"background"')
    write_voc_data(find_detection_data(coco.root), tmp_path)
    masks = find_segmentation_data(tmp_path)
    assert masks.classes == ("background", "dog", "bird") and not check_segmentation_data(masks)


def test_an_image_of_two_splits_has_one_xml(folder, tmp_path, refusal):
    folder.coco("annotations/instances_train.json", "images", ["a.jpg", "b.jpg"])
    folder.coco("annotations/instances_val.json", "images", ["a.jpg"], label=1)
    data = find_detection_data(folder.root)
    subset, _ = choose_subset(data, fraction=1)
    assert any(note.startswith("image also in the train split: 1 in val") for note in subset.notes)
    message = refusal(write_voc_data, data, tmp_path / "voc")
    assert "images/a.jpg: has two entries" in message and "write COCO" in message
    write_coco_data(data, tmp_path / "coco")
    assert find_detection_data(tmp_path / "coco").splits["val"].content["annotations"]


def test_voc_to_voc_keeps_what_else_the_files_say(folder, tmp_path):
    folder.voc("JPEGImages", "Annotations", ["a", "b", "c"])
    folder.voc_list(".", "train", ["a", "b"])
    folder.voc_list(".", "val", ["c"])
    folder.edit(
        "Annotations/a.xml",
        "<object><name>cat</name>",
        "<source><database>x</database></source><object><name>dog</name><bndbox><xmin>1</xmin>"
        "<ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object><object><name>cat</name>"
        "<pose>Left</pose><truncated>1</truncated><part>tail</part>",
    )
    masks = np.zeros((48, 64), np.uint8)
    masks[0:8, 0:8], masks[10:20, 10:20], masks[20:22] = 1, 2, 255
    for kind in ("SegmentationObject", "SegmentationClass"):
        (folder.root / kind).mkdir()
        Image.fromarray(masks).save(folder.root / kind / "a.png")
    data = with_masks(find_detection_data(folder.root, ["cat"]))
    subset, _ = choose_subset(data, fraction=1)
    write_voc_data(subset, tmp_path / "out")
    root = ElementTree.parse(tmp_path / "out/Annotations/a.xml").getroot()
    (item,) = root.findall("object")
    found = [item.findtext(tag) for tag in ("name", "pose", "truncated", "part")]
    assert found == ["cat", "Left", "1", "tail"] and root.findtext("source/database") == "x"
    for kind in ("SegmentationObject", "SegmentationClass"):
        written = np.asarray(Image.open(tmp_path / f"out/{kind}/a.png"))
        expected = np.array([0, 255, 1])[masks.clip(0, 2)]  # the dog is gone and becomes void
        expected[masks == 255] = 255
        assert np.array_equal(written, expected), kind
    assert not (tmp_path / "out/SegmentationObject/b.png").exists()


@pytest.mark.parametrize("xml", ["a.jpg.xml", "site/a.xml"])
def test_borders_stay_void_where_xml_files_are_not_named_as_masks(folder, tmp_path, xml):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    (folder.root / "Annotations/site").mkdir()
    (folder.root / "Annotations/a.xml").rename(folder.root / "Annotations" / xml)
    mask = np.zeros((48, 64), np.uint8)
    mask[10:20, 10:20], mask[20:22] = 1, 255
    (folder.root / "SegmentationObject").mkdir()
    Image.fromarray(mask).save(folder.root / "SegmentationObject/a.png")
    write_voc_data(with_masks(find_detection_data(folder.root)), tmp_path / "out")
    for kind in ("SegmentationObject", "SegmentationClass"):
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"out/{kind}/a.png")), mask), kind


@pytest.mark.parametrize(
    ("mode", "size", "message"), [("RGB", (64, 48), "in colours"), ("L", (9, 9), "is 9 x 9")]
)
def test_masks_of_voc_that_cannot_be_used(folder, refusal, mode, size, message):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    (folder.root / "SegmentationObject").mkdir()
    for name in "ab":
        Image.new(mode, size).save(folder.root / f"SegmentationObject/{name}.png")
    masked = with_masks(find_detection_data(folder.root))
    lines = masked.splits["train"].unread
    assert all(f"{n}.png" in line and message in line for n, line in zip("ab", lines, strict=True))
    assert message in refusal(require_read, masked)


def test_names_that_no_text_can_hold_are_refused(coco, tmp_path, refusal):
    raw = os.fsencode(coco.root / "images/train") + b"/\xe4.png"
    os.rename(coco.root / "images/train/020.png", raw)
    data = find_detection_data(coco.root, spoilt=True)
    for image in data.splits["train"].content["images"]:
        image["file_name"] = image["file_name"].replace("020.png", os.fsdecode(b"\xe4.png"))
    for write in (write_coco_data, write_yolo_data, write_voc_data):
        message = refusal(write, data, tmp_path / write.__name__)
        assert "\\udce4.png: has a name that is no UTF-8" in message and "rename it" in message


def test_missing_images_and_paths_out_of_the_folder_are_refused(coco, tmp_path, refusal):
    data = find_detection_data(coco.root)
    (coco.root / "images/train/020.png").unlink()
    assert "020.png: no such image" in refusal(write_coco_data, data, tmp_path)
    data.splits["train"].content["images"][0]["file_name"] = "../train/000.png"
    assert "leads out of the image folder" in refusal(write_coco_data, data, tmp_path / "b")


def test_a_folder_appears_complete_or_not_at_all(tmp_path):
    out = tmp_path / "new/out"
    with pytest.raises(KeyError), complete_folder(out) as part:
        (part / "file").write_text("half")
        raise KeyError
    assert not out.exists() and not list(out.parent.iterdir())
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getpid()):  # as a kill leaves them, also one of the same pid
        (tmp_path / f"new/.out.part-{pid}").mkdir()
    with complete_folder(out) as part:
        assert not out.exists() and not list(part.iterdir())
        (part / "file").write_text("whole")
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_of_two_that_make_the_same_folder_one_is_refused(tmp_path):
    """Its files are neither mixed in nor lost; the other process is this one's parent here."""
    out = tmp_path / "out"
    other = tmp_path / f".out.part-{os.getppid()}"
    other.mkdir()
    (other / "a").write_text("a")
    with complete_folder(out) as part:
        assert part != other and (other / "a").is_file()
        (part / "b").write_text("b")
    with pytest.raises(DataError, match="out: is there already"), complete_folder(out):
        pass
    late = tmp_path / "late"
    with pytest.raises(DataError, match="late: is there already"), complete_folder(late):
        late.mkdir()
    assert [path.name for path in out.iterdir()] == ["b"]


def test_the_same_subset_is_not_made_twice_and_another_not_over_it(coco, tmp_path, refusal):
    data = find_detection_data(coco.root)
    mark, out = stamp(data, {"fraction": 0.5}), tmp_path / "out"
    assert not is_made(out, mark, data.root)
    out.mkdir()
    (out / "subset.json").write_bytes(mark)
    assert is_made(out, mark, data.root)
    other = stamp(data, {"fraction": 0.4})
    assert "made with other options" in refusal(is_made, out, other, data.root)
    coco.edit("annotations/instances_train.json", '"track": "t1"', '"track": "changed"')
    changed = stamp(find_detection_data(coco.root), {"fraction": 0.5})
    assert "of other data" in refusal(is_made, out, changed, data.root)
    assert "inside the data" in refusal(is_made, data.root / "out", mark, data.root)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_no_reference_dangles_in_any_subset(data, tmp_path_factory):
    draw = data.draw
    root = tmp_path_factory.mktemp("random")
    (root / "images").mkdir()
    count = draw(st.integers(2, 12))
    image_ids = draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count, unique=True))
    category_ids = draw(st.lists(st.integers(1, 99), min_size=1, max_size=4, unique=True))
    size = st.integers(2, 40)
    annotations = [
        {
            "id": i,
            "image_id": draw(st.sampled_from(image_ids)),
            "category_id": draw(st.sampled_from(category_ids)),
            "bbox": (box := [draw(size), draw(size), draw(size), draw(size)]),
            "area": box[2] * box[3],
            "iscrowd": 0,
        }
        for i in range(draw(st.integers(1, 20)))
    ]
    content = {
        "images": [
            {"id": id_, "file_name": f"{id_}.jpg", "width": 90, "height": 90} for id_ in image_ids
        ],
        "categories": [{"id": id_, "name": f"class {id_}"} for id_ in category_ids],
        "annotations": annotations,
    }
    (root / "annotations.json").write_text(json.dumps(content))
    for id_ in image_ids:
        (root / "images" / f"{id_}.jpg").write_bytes(b"not read")
    chosen = draw(st.lists(st.sampled_from(category_ids), min_size=1, unique=True))
    found = find_detection_data(root, [f"class {id_}" for id_ in chosen])
    try:
        subset, _ = choose_subset(found, fraction=draw(st.floats(0.05, 1)), seed=draw(size))
    except DataError as error:
        assert "no train image has" in str(error) or "no object to train on" in str(error)
        return
    out = root.parent / f"{root.name}-out"
    write_coco_data(subset, out)
    written = json.loads((out / "annotations/instances_train.json").read_text())
    images = {image["id"]: image for image in written["images"]}
    categories = {category["id"] for category in written["categories"]}
    assert len(images) == len(written["images"]) > 0 and categories == set(chosen)
    ids = [record["id"] for record in written["annotations"]]
    assert len(set(ids)) == len(ids)
    for record in written["annotations"]:
        assert record["image_id"] in images and record["category_id"] in categories
    for image in images.values():
        assert (out / "images/train" / image["file_name"]).is_file()
    emptied = {r["image_id"] for r in annotations} - {
        r["image_id"] for r in annotations if r["category_id"] in chosen
    }
    assert not emptied & images.keys()


def counts_by_loops(content, classes):
    expected = np.zeros((len(content["images"]), len(classes), 3))
    for row, image in enumerate(content["images"]):
        for record in content["annotations"]:
            name = next(
                c["name"] for c in content["categories"] if c["id"] == record["category_id"]
            )
            if record["image_id"] == image["id"] and name in classes and not record["iscrowd"]:
                size = 0 if record["area"] < 32**2 else 1 if record["area"] < 96**2 else 2
                expected[row, classes.index(name), size] += 1
    return expected


def test_generated_data_at_a_small_scale(tmp_path):
    """The generator that measurements at full COCO scale use, and counting against loops."""
    (tmp_path / "annotations").mkdir()
    write_large_coco(tmp_path / "annotations/instances_train2017.json", 60, 400)
    (tmp_path / "train2017").mkdir()
    for i in range(60):
        (tmp_path / f"train2017/{i:012}.jpg").write_bytes(b"not read")
    data = find_detection_data(tmp_path)
    content = data.splits["train"].content
    expected = counts_by_loops(content, data.classes)
    assert np.array_equal(object_counts(content, data.classes), expected)
    assert expected.sum() == 400 and (expected.sum(axis=(0, 1)) > 20).all()
    subset, _ = choose_subset(data, fraction=0.5)
    assert len(names(subset)) == 30


@pytest.mark.slow
def test_half_of_coco128_and_of_bccd_over_seeds(coco128, bccd, tmp_path):
    """Class distances of all 128 images stay under 0.08 in the mean; random draws have 0.18."""
    whole = tmp_path / "coco128/annotations"
    whole.mkdir(parents=True)
    (whole / "instances_train.json").symlink_to(coco128 / "annotations/instances_all.json")
    (tmp_path / "coco128/images").symlink_to(coco128 / "images")
    for root, limit in ((tmp_path / "coco128", 0.08), (bccd, 0.01)):
        data = find_detection_data(root)
        full = data.splits["train"].content
        counts = object_counts(full, data.classes)
        in_two = (counts.sum(axis=2) > 0).sum(axis=0) > 1
        distances, drawn = [], []
        for seed in range(5):
            subset, reports = choose_subset(data, fraction=0.5, seed=seed)
            own = object_counts(subset.splits["train"].content, data.classes)
            shares = [c.sum(axis=(0, 2)) / c.sum() for c in (own, counts)]
            distances.append(np.abs(np.subtract(*shares)).sum() / 2)
            drawn.append(reports["train"].random)
            assert own.sum(axis=(0, 2))[in_two].all()
            sizes = [c.sum(axis=(0, 1)) / c.sum() for c in (own, counts)]
            assert np.abs(np.subtract(*sizes)).max() < 0.05
        assert np.mean(distances) <= limit and np.mean(distances) < 0.5 * np.mean(drawn)
