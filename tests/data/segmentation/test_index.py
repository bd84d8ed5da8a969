"""Masks drawn from COCO instances, and the lists that a training reads."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from msa_backbone.data.folders import list_file
from msa_backbone.data.segmentation.check import check_segmentation_data
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.segmentation.index import mask_dir, write_index


def square(left, top, right, bottom):
    return [[left, top, right, top, right, bottom, left, bottom]]


def record(id_, category, segmentation, area, image_id=0, iscrowd=0):
    return {
        "id": id_,
        "image_id": image_id,
        "category_id": category,
        "bbox": [4, 4, 20, 20],
        "area": area,
        "iscrowd": iscrowd,
        "segmentation": segmentation,
    }


@pytest.fixture
def instances(folder):
    """Two training images and one for val; cats are 10, dogs 11."""
    content = folder.coco("annotations/instances_train.json", "images", ["a.jpg", "b/c.jpg"])
    crowd = np.zeros((48, 64), np.uint8)
    crowd[40:, :] = 1
    code = coco_mask.encode(np.asfortranarray(crowd))
    uncompressed = {"size": [48, 64], "counts": [0, 48, 3024]}  # the first column
    content["annotations"] = [
        record(1, 10, square(8, 8, 16, 16), 64),
        record(2, 11, square(4, 4, 24, 24), 400),  # larger: below the cat
        record(3, 10, {**code, "counts": code["counts"].decode()}, 512, iscrowd=1),
        record(4, 11, uncompressed, 48, image_id=1),
    ]
    folder.write("annotations/instances_train.json", json.dumps(content))
    val = folder.coco("annotations/instances_val.json", "images", ["d.jpg"])
    val["annotations"][0]["segmentation"] = square(4, 4, 24, 24)
    folder.write("annotations/instances_val.json", json.dumps(val))
    return folder


def drawn(data, split, name, index_dir):
    return np.asarray(Image.open(mask_dir(data, split, index_dir) / f"{name}.png"))


def test_masks_are_drawn_from_instances(instances, tmp_path):
    data = find_segmentation_data(instances.root)
    assert data.classes == ("background", "cat", "dog")
    assert check_segmentation_data(data) == []
    write_index(data, tmp_path / "index")
    expected = np.zeros((48, 64), np.uint8)
    expected[4:24, 4:24] = 2
    expected[8:16, 8:16] = 1
    expected[40:] = 1
    assert np.array_equal(drawn(data, "train", "a", tmp_path / "index"), expected)
    expected = np.zeros((48, 64), np.uint8)
    expected[:, 0] = 2
    assert np.array_equal(drawn(data, "train", "b/c", tmp_path / "index"), expected)
    assert list_file("train", tmp_path / "index").read_text() == "a\nb/c\n"
    assert list_file("val", tmp_path / "index").read_text() == "d\n"


def test_chosen_classes_leave_the_others_in_the_background(instances, tmp_path):
    data = find_segmentation_data(instances.root, ["dog"])
    assert data.classes == ("background", "dog")
    write_index(data, tmp_path / "index")
    mask = drawn(data, "train", "a", tmp_path / "index")
    assert set(np.unique(mask)) == {0, 1} and mask[10, 10] == 1 and mask[45, 5] == 0


def test_masks_are_drawn_once_and_anew_for_other_annotations(instances, tmp_path):
    index, calls = tmp_path / "index", []
    data = find_segmentation_data(instances.root)
    write_index(data, index, lambda *step: calls.append(step))
    assert calls == [(1, 2), (2, 2), (1, 1)]
    write_index(data, index, lambda *step: calls.append(step))
    assert len(calls) == 3
    path = instances.root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][1]["category_id"] = 10
    path.write_text(json.dumps(content))
    changed = find_segmentation_data(instances.root)
    write_index(changed, index)
    assert mask_dir(changed, "train", index) != mask_dir(data, "train", index)
    assert mask_dir(changed, "val", index) == mask_dir(data, "val", index)
    assert drawn(changed, "train", "a", index)[5, 5] == 1
    assert drawn(data, "train", "a", index)[5, 5] == 2


def test_a_drawing_that_was_cut_off_leaves_no_folder(instances, tmp_path):
    class CutOff(Exception):
        pass

    def stop(*step):
        raise CutOff

    data, index = find_segmentation_data(instances.root), tmp_path / "index"
    with pytest.raises(CutOff):
        write_index(data, index, stop)
    assert not mask_dir(data, "train", index).exists()
    write_index(data, index)
    assert drawn(data, "train", "a", index)[5, 5] == 2


def test_two_processes_that_draw_the_same_do_not_disturb_each_other(instances, tmp_path):
    data, index = find_segmentation_data(instances.root), tmp_path / "index"
    write_index(data, tmp_path / "other")

    def finish_first(*step):
        folder = mask_dir(data, "train", index)
        if not folder.exists():
            shutil.copytree(mask_dir(data, "train", tmp_path / "other"), folder)

    write_index(data, index, finish_first)
    assert drawn(data, "train", "a", index)[5, 5] == 2
    folders = {path for path in index.iterdir() if path.is_dir()}
    assert folders == {mask_dir(data, split, index) for split in ("train", "val")}


def test_only_the_splits_asked_for_are_drawn(instances, tmp_path):
    data = find_segmentation_data(instances.root)
    write_index(data, tmp_path / "index", splits=["val"])
    names = {path.name for path in (tmp_path / "index").iterdir()}
    assert names == {"val.txt", mask_dir(data, "val", tmp_path).name}


@pytest.mark.parametrize(
    "segmentation",
    [
        [[8, 8, 16, 16]],  # pycocotools would take it for a box
        [[8, 8, 16, 16, 8]],
        [8, 8, 16, 8, 16, 16],
        [["8", "8", "16", "8", "16", "16"]],
        {"size": [48, 64], "counts": [0, 48]},
        {"size": [64, 48], "counts": [0, 48, 3024]},
        {"size": [48, 64]},
        "polygon",
    ],
)
def test_malformed_segmentations_are_refused(instances, refusal, segmentation):
    path = instances.root / "annotations/instances_train.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["segmentation"] = segmentation
    path.write_text(json.dumps(content))
    message = refusal(check_segmentation_data, find_segmentation_data(instances.root))
    assert "instances_train.json: annotation 1: segmentation is malformed; give" in message


def test_a_background_category_is_the_background(instances, tmp_path):
    for name in ("train", "val"):
        path = instances.root / f"annotations/instances_{name}.json"
        content = json.loads(path.read_text())
        content["categories"][0]["name"] = "Background"
        path.write_text(json.dumps(content))
    data = find_segmentation_data(instances.root)
    assert data.classes == ("background", "dog")
    write_index(data, tmp_path / "index")
    mask = drawn(data, "train", "a", tmp_path / "index")
    assert mask[5, 5] == 1 and set(np.unique(mask)) == {0, 1}


def test_more_classes_than_a_mask_holds_are_refused(instances, refusal):
    for name in ("train", "val"):
        path = instances.root / f"annotations/instances_{name}.json"
        content = json.loads(path.read_text())
        content["categories"] += [{"id": 100 + i, "name": f"kind {i}"} for i in range(260)]
        path.write_text(json.dumps(content))
    message = refusal(find_segmentation_data, instances.root)
    assert "has 263 classes with the background, a mask holds 255" in message


def test_instances_without_masks_are_refused(folder, refusal):
    folder.coco("annotations/instances_train.json", "images", ["a.jpg", "b.jpg"])
    data = find_segmentation_data(folder.root)
    assert "has no segmentation" in refusal(check_segmentation_data, data)


@pytest.mark.parametrize("absolute", [True, False])
def test_names_that_lead_out_of_the_folder_are_refused(instances, refusal, absolute):
    """Their masks would be drawn beside the images, over a PNG even in its place."""
    path = instances.root / "annotations/instances_val.json"
    content = json.loads(path.read_text())
    name = str(instances.root / "images/d.jpg") if absolute else "../images/d.jpg"
    content["images"][0]["file_name"] = name
    path.write_text(json.dumps(content))
    before = instances.files()
    message = refusal(find_segmentation_data, instances.root)
    assert "leads out of the image folder" in message and name in message
    assert instances.files() == before


def test_nothing_is_written_into_the_data(instances, refusal):
    before = sorted(os.walk(instances.root))
    data = find_segmentation_data(instances.root)
    message = refusal(write_index, data, instances.root / "work/data")
    assert "lies inside the data" in message
    assert sorted(os.walk(instances.root)) == before


def test_coco128_agrees_with_pycocotools(coco128, tmp_path):
    """Every pixel belongs to an instance of its class, and every covered pixel to some class."""
    data = find_segmentation_data(coco128)
    assert len(data.classes) == 81
    write_index(data, tmp_path / "index")
    coco = COCO(str(coco128 / "annotations/instances_val.json"))
    for image in coco.imgs.values():
        covered = np.zeros((81, image["height"], image["width"]), bool)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            name = coco.cats[annotation["category_id"]]["name"]
            covered[data.classes.index(name)] |= coco.annToMask(annotation).astype(bool)
        covered[0] = ~covered.any(0)
        mask = drawn(data, "val", image["file_name"].removesuffix(".jpg"), tmp_path / "index")
        rows, columns = np.indices(mask.shape)
        assert covered[mask, rows, columns].all(), image["file_name"]
