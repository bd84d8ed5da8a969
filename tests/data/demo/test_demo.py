"""The demo data: three forms that agree, disjoint splits, and a folder that is all or nothing."""

import json
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pycocotools")

from PIL import Image
from pycocotools.coco import COCO

from msa_backbone.data.demo import scenes as demo_scenes
from msa_backbone.data.demo.scenes import make_demo_data

SPLITS = ("train", "val")
SMALL = {"num_train": 24, "num_val": 12}


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return make_demo_data(tmp_path_factory.mktemp("demo") / "new" / "data", **SMALL)


def read_coco(root: Path, split: str) -> dict:
    return json.loads((root / "coco" / "annotations" / f"instances_{split}.json").read_text())


def read_voc(root: Path, stem: str) -> list[tuple[str, list[int]]]:
    """Return ``(name, [xmin, ymin, xmax, ymax])`` per object, as written."""
    tree = ElementTree.parse(root / "voc" / "VOC2007" / "Annotations" / f"{stem}.xml")
    return [
        (
            item.findtext("name"),
            [int(item.findtext(f"bndbox/{corner}")) for corner in ("xmin", "ymin", "xmax", "ymax")],
        )
        for item in tree.findall("object")
    ]


def read_mask(root: Path, split: str, stem: str) -> Image.Image:
    return Image.open(root / "segmentation" / "masks" / split / f"{stem}.png")


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("split", SPLITS)
def test_coco_loads_and_counts_agree(root, split):
    coco = COCO(root / "coco" / "annotations" / f"instances_{split}.json")
    assert len(coco.imgs) == SMALL[f"num_{split}"]
    assert [(c["id"], c["name"]) for c in coco.loadCats(coco.getCatIds())] == [
        (k + 1, str(k)) for k in range(10)
    ]
    folder = root / "coco" / "images" / split
    assert {i["file_name"] for i in coco.imgs.values()} == {p.name for p in folder.iterdir()}
    for info in coco.imgs.values():
        with Image.open(folder / info["file_name"]) as image:
            assert (image.mode, image.size) == ("RGB", (info["width"], info["height"]))
        anns = coco.imgToAnns[info["id"]]
        fewest, most = {"train": (6, 16), "val": (2, 7)}[split]
        assert fewest <= len(anns) <= most
        assert all(ann["iscrowd"] == 0 for ann in anns)
        assert all(ann["area"] == ann["bbox"][2] * ann["bbox"][3] for ann in anns)


@pytest.mark.parametrize(("image_size", "count"), [(64, 200), (256, 40)])
def test_boxes_are_tight_inside_and_disjoint(tmp_path, image_size, count):
    # Many at 64: about one in a hundred of its tiny digits loses a thin tip to the resizing.
    root = make_demo_data(tmp_path / "data", num_train=count, num_val=1, image_size=image_size)
    coco = COCO(root / "coco" / "annotations" / "instances_train.json")
    for info in coco.imgs.values():
        covered = np.zeros((info["height"], info["width"]), int)
        for ann in coco.imgToAnns[info["id"]]:
            rows, columns = np.nonzero(coco.annToMask(ann))
            x, y, w, h = ann["bbox"]
            assert (x, y) == (columns.min(), rows.min())
            assert (x + w, y + h) == (columns.max() + 1, rows.max() + 1)
            covered[y : y + h, x : x + w] += 1
        assert covered.max() == 1
        assert covered.sum() == sum(ann["area"] for ann in coco.imgToAnns[info["id"]])


@pytest.mark.parametrize("split", SPLITS)
def test_voc_boxes_are_the_coco_boxes(root, split):
    coco = COCO(root / "coco" / "annotations" / f"instances_{split}.json")
    stems = (root / "voc/VOC2007/ImageSets/Main" / f"{split}.txt").read_text().split()
    assert stems == [Path(info["file_name"]).stem for info in coco.imgs.values()]
    for stem in stems:
        expected = []
        for ann in coco.imgToAnns[int(stem)]:
            x, y, w, h = ann["bbox"]
            name = coco.cats[ann["category_id"]]["name"]
            expected.append((name, [x + 1, y + 1, x + w, y + h]))  # from 1, corners included
        assert read_voc(root, stem) == expected


@pytest.mark.parametrize("split", SPLITS)
def test_index_masks_are_the_coco_masks(root, split):
    names = (root / "segmentation" / "classes.txt").read_text().splitlines()
    assert names == ["background", *"0123456789"]
    coco = COCO(root / "coco" / "annotations" / f"instances_{split}.json")
    for info in coco.imgs.values():
        expected = np.zeros((info["height"], info["width"]), np.uint8)
        for ann in coco.imgToAnns[info["id"]]:
            index = names.index(coco.cats[ann["category_id"]]["name"])
            expected[coco.annToMask(ann) == 1] = index
        with read_mask(root, split, Path(info["file_name"]).stem) as mask:
            assert mask.mode == "P"
            assert len({tuple(mask.getpalette()[3 * k : 3 * k + 3]) for k in range(11)}) == 11
            np.testing.assert_array_equal(np.asarray(mask), expected)


@pytest.mark.parametrize("split", SPLITS)
def test_the_three_forms_hold_the_same_images(root, split):
    for path in (root / "coco" / "images" / split).iterdir():
        content = path.read_bytes()
        assert (root / "voc" / "VOC2007" / "JPEGImages" / path.name).read_bytes() == content
        assert (root / "segmentation" / "images" / split / path.name).read_bytes() == content


def test_digits_stand_out_from_what_surrounds_them(root):
    for info in read_coco(root, "train")["images"]:
        stem = Path(info["file_name"]).stem
        pixels = np.asarray(Image.open(root / "coco/images/train" / info["file_name"]), float)
        mask = np.asarray(read_mask(root, "train", stem))
        for _, (left, top, right, bottom) in read_voc(root, stem):
            window = np.s_[top - 1 : bottom, left - 1 : right]
            ink, rest = pixels[window][mask[window] > 0], pixels[window][mask[window] == 0]
            assert np.linalg.norm(ink.mean(0) - rest.mean(0)) > 40


def test_splits_share_no_digit_and_no_background(root):
    from sklearn.datasets import load_digits

    labels = load_digits().target
    train, val = (read_coco(root, split) for split in SPLITS)
    used = []
    for content in (train, val):
        for ann in content["annotations"]:
            assert labels[ann["digit_index"]] == ann["category_id"] - 1
        used.append({ann["digit_index"] for ann in content["annotations"]})
    assert not used[0] & used[1]

    assert not {i["id"] for i in train["images"]} & {i["id"] for i in val["images"]}
    for photo in ("china.jpg", "flower.jpg"):
        train_crops = [i["crop"] for i in train["images"] if i["photo"] == photo]
        val_crops = [i["crop"] for i in val["images"] if i["photo"] == photo]
        assert train_crops and val_crops
        assert max(x + w for x, _, w, _ in train_crops) <= min(x for x, _, _, _ in val_crops)


@pytest.mark.parametrize("split", SPLITS)
def test_sizes_span_small_medium_and_large(root, split):
    annotations = read_coco(root, split)["annotations"]
    sizes = Counter(np.digitize([ann["area"] for ann in annotations], [32**2, 96**2]).tolist())
    assert sizes[0] >= 5 and sizes[1] >= 5 and sizes[2] >= 2
    sides = [max(ann["bbox"][2:]) for ann in annotations]
    assert 14 <= min(sides) <= 24
    assert 110 <= max(sides) <= 144


def test_same_seed_same_bytes_other_seed_others(tmp_path):
    few = {"num_train": 3, "num_val": 2, "image_size": 64}
    first = snapshot(make_demo_data(tmp_path / "first", **few))
    assert snapshot(make_demo_data(tmp_path / "again", **few)) == first
    other = snapshot(make_demo_data(tmp_path / "other", **few, seed=1))
    assert other.keys() == first.keys()
    shared = {name for name in first if first[name] == other[name]}
    assert {Path(name).suffix for name in shared} == {".txt"}  # lists of images and classes


def test_second_call_touches_nothing(root):
    times = {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]}
    assert make_demo_data(str(root), **SMALL) == root
    assert {path: path.stat().st_mtime_ns for path in [root, *root.rglob("*")]} == times


def test_refuses_a_folder_it_did_not_make(root, tmp_path):
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"foreign exists.*delete it or choose another"):
        make_demo_data(foreign, **SMALL)
    assert snapshot(foreign) == {"notes.txt": b"mine"}
    with pytest.raises(FileExistsError, match=r"'seed': 1"):
        make_demo_data(root, **SMALL, seed=1)
    with pytest.raises(FileExistsError, match=r"notes\.txt exists"):
        make_demo_data(foreign / "notes.txt", **SMALL)


def test_interrupted_generation_leaves_nothing(tmp_path, monkeypatch):
    def fail(root, split, scenes):
        assert any(root.rglob("*.jpg"))  # half of the work is done
        raise RuntimeError("no space left")

    monkeypatch.setattr(demo_scenes, "write_segmentation", fail)
    with pytest.raises(RuntimeError, match="no space left"):
        make_demo_data(tmp_path / "data", num_train=1, num_val=1)
    assert not list(tmp_path.iterdir())
    monkeypatch.undo()
    make_demo_data(tmp_path / "data", num_train=1, num_val=1)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_copies_images_where_links_are_refused(tmp_path, monkeypatch):
    def refuse(*paths):
        raise OSError("no hard links here")

    few = {"num_train": 1, "num_val": 1, "image_size": 64}
    linked = make_demo_data(tmp_path / "linked", **few)
    monkeypatch.setattr("os.link", refuse)
    copied = make_demo_data(tmp_path / "copied", **few)
    assert snapshot(copied) == snapshot(linked)
    assert (copied / "coco/images/train/000001.jpg").stat().st_nlink == 1


@pytest.mark.parametrize(
    "arguments",
    [{"num_train": 0}, {"num_val": 0}, {"image_size": 63}, {"seed": -1}, {"num_val": 2.5}],
)
def test_bad_arguments_are_named(tmp_path, arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"^{name} must be an integer"):
        make_demo_data(tmp_path / "data", **arguments)
    assert not list(tmp_path.iterdir())


def test_missing_scikit_learn_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ValueError, match="pip install scikit-learn"):
        make_demo_data(tmp_path / "data", **SMALL)
    assert not list(tmp_path.iterdir())
