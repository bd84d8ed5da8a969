"""The val split made of training images, and the COCO jsons written for training."""

import codecs
import json
import random
from pathlib import Path

import pytest
from PIL import Image

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.detection.index import ann_file, make_val_split, write_index

NAMES = [f"{i:02}.jpg" for i in range(20)]


def listed(data, split: str) -> list[str]:
    return [image["file_name"] for image in data.splits[split].content["images"]]


def test_val_split_of_coco(folder):
    content = folder.coco("annotations/train.json", "images", NAMES)
    folder.coco("annotations/test.json", "images", ["t.jpg"])
    before = folder.files()
    found = find_detection_data(folder.root)
    data = make_val_split(found)
    assert data.splits.keys() == {"train", "val", "test"}
    assert data.splits["test"] is found.splits["test"]
    assert len(listed(data, "val")) == 2
    assert sorted(listed(data, "train") + listed(data, "val")) == NAMES
    for name in ("train", "val"):
        split = data.splits[name]
        assert (split.image_dir, split.ann_file) == (folder.root / "images", None)
        assert split.content["categories"] == content["categories"]
        ids = {image["id"] for image in split.content["images"]}
        assert {record["image_id"] for record in split.content["annotations"]} == ids
    assert data.notes[-3:] == (
        "val is 2 of the 20 training images (seed 0)",
        "train: 18 images, 18 objects",
        "val: 2 images, 2 objects",
    )
    assert found.splits["train"].content == content
    assert make_val_split(data) is data
    assert folder.files() == before


def test_val_split_does_not_depend_on_the_order_of_the_json(folder):
    chosen, names = [], list(NAMES)
    for trial in range(3):
        folder.coco("annotations.json", "images", names)
        chosen.append(set(listed(make_val_split(find_detection_data(folder.root)), "val")))
        random.Random(trial).shuffle(names)
    assert chosen[0] == chosen[1] == chosen[2]


def test_val_split_of_voc_without_lists(folder, monkeypatch):
    names = [f"{i:02}" for i in range(10)]
    folder.voc("images", "annotations", names)
    before = folder.files()
    data = make_val_split(find_detection_data(folder.root), fraction=0.3)
    assert len(listed(data, "val")) == 3
    assert sorted(listed(data, "train") + listed(data, "val")) == [f"{n}.jpg" for n in names]
    assert "val: 3 images, 3 objects" in data.notes
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda *args: sorted(glob(*args), reverse=True))
    again = make_val_split(find_detection_data(folder.root), fraction=0.3)
    assert listed(again, "val") == listed(data, "val")
    other = make_val_split(find_detection_data(folder.root), fraction=0.3, seed=1)
    assert listed(other, "val") != listed(data, "val")
    assert folder.files() == before


@pytest.mark.parametrize(("fraction", "num_val"), [(0.01, 1), (0.99, 2)])
def test_val_split_leaves_both_splits_an_image(folder, fraction, num_val):
    folder.voc("images", "annotations", ["a", "b", "c"])
    data = make_val_split(find_detection_data(folder.root), fraction)
    assert (len(listed(data, "val")), len(listed(data, "train"))) == (num_val, 3 - num_val)


@pytest.mark.parametrize("names", [["a.jpg"], ["a.jpg", "a.jpg"]])
def test_one_image_cannot_be_split(folder, refusal, names):
    folder.coco("annotations.json", "images", names)
    message = refusal(make_val_split, find_detection_data(folder.root))
    assert f"{folder.root}: cannot split one training image; add images or a val" in message


def test_val_split_needs_a_fraction(folder):
    folder.voc("images", "annotations", ["a", "b"])
    with pytest.raises(ValueError, match="fraction must lie between 0 and 1, got 1"):
        make_val_split(find_detection_data(folder.root), fraction=1)


def test_the_index_is_written_for_the_splits_without_a_json(folder, tmp_path):
    folder.coco("annotations/train.json", "images", NAMES)
    folder.coco("annotations/test.json", "images", ["t.jpg"])
    before = folder.files()
    found = find_detection_data(folder.root)
    write_index(found, tmp_path / "index")
    assert not (tmp_path / "index").exists()
    data = make_val_split(found)
    for _ in range(2):
        write_index(data, tmp_path / "index")
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [
        "train.json",
        "val.json",
    ]
    for split in ("train", "val"):
        path = ann_file(data, split, tmp_path / "index")
        assert path == tmp_path / "index" / f"{split}.json"
        assert json.loads(path.read_text()) == data.splits[split].content
    assert ann_file(data, "test", tmp_path) == folder.root / "annotations" / "test.json"
    assert folder.files() == before


@pytest.mark.parametrize(("label", "mark"), [("cat", codecs.BOM_UTF8), ("Löwe 🦁", b"")])
def test_a_json_that_training_would_misread_is_written_in_ascii(folder, tmp_path, label, mark):
    """pycocotools opens a json in the system's encoding, as Windows' cp1252."""
    content = folder.coco("annotations/train.json", "images", ["a.jpg", "b.jpg"], (label,))
    text = json.dumps(content, ensure_ascii=False).encode()
    (folder.root / "annotations/train.json").write_bytes(mark + text)
    data = find_detection_data(folder.root)
    write_index(data, tmp_path / "index")
    file = ann_file(data, "train", tmp_path / "index")
    read = json.loads(file.read_text(encoding="cp1252"))
    assert read == data.splits["train"].content
    assert [category["name"] for category in read["categories"]] == [label]
    assert len(read_index(data, "train", tmp_path / "index")) == 2


def test_the_index_is_not_written_into_the_data(folder, refusal, tmp_path):
    folder.voc("images", "annotations", ["a"])
    (tmp_path / "link").symlink_to(folder.root)
    data = find_detection_data(folder.root)
    for index_dir in (folder.root, folder.root / "out", tmp_path / "link" / "out"):
        message = refusal(write_index, data, index_dir)
        assert f"{index_dir}: lies inside the data {folder.root}; choose another" in message
    assert not (folder.root / "out").exists()


def read_index(data, split: str, index_dir: Path) -> dict[str, tuple]:
    """`(width, height, [(corners, label, ignored)])` of every image, read by pycocotools."""
    pycocotools = pytest.importorskip("pycocotools.coco")
    write_index(data, index_dir)
    coco = pycocotools.COCO(ann_file(data, split, index_dir))
    labels = {i: k for k, i in enumerate(coco.getCatIds(catNms=data.classes))}
    assert [category["name"] for category in coco.cats.values()] == list(data.classes)
    found = {}
    for image in coco.imgs.values():
        objects = []
        for record in coco.imgToAnns[image["id"]]:
            left, top, width, height = record["bbox"]
            assert record["area"] == width * height
            corners = [left, top, left + width, top + height]
            objects.append((corners, labels[record["category_id"]], record["iscrowd"]))
        found[Path(image["file_name"]).stem] = (image["width"], image["height"], objects)
    return found


def read_with_mmdet(data, base: Path, list_name: str) -> dict[str, tuple]:
    """The same, read by mmdet from the xml files."""
    datasets = pytest.importorskip("mmdet.datasets")
    dataset = datasets.XMLDataset(
        ann_file=str(base / "ImageSets" / "Main" / list_name),
        data_prefix={"sub_data_root": str(base)},
        metainfo={"classes": data.classes},
        pipeline=[],
        test_mode=True,
    )
    found = {}
    for image in map(dataset.get_data_info, range(len(dataset))):
        objects = [(x["bbox"], x["bbox_label"], x["ignore_flag"]) for x in image["instances"]]
        found[image["img_id"]] = (image["width"], image["height"], objects)
    return found


@pytest.mark.parametrize("classes", [None, ("dog", "cat"), ("dog",)])
def test_the_index_agrees_with_mmdet(folder, tmp_path, classes):
    folder.voc("JPEGImages", "Annotations", ["a", "c", "d", "e"])
    folder.voc("JPEGImages", "Annotations", ["b"], label="dog")
    folder.voc_list(".", "train", ["d", "b", "a", "e"])
    folder.edit("Annotations/a.xml", "<name>cat</name>", "<name>cat</name><difficult>1</difficult>")
    folder.edit("Annotations/b.xml", "<xmin>5<", "<xmin>7.9<")
    folder.edit("Annotations/d.xml", "<xmax>25<", "<xmax>5<")
    folder.edit("Annotations/e.xml", "<size><width>64</width><height>48</height></size>", "")
    folder.image("JPEGImages/e.jpg", size=(30, 40))
    data = find_detection_data(folder.root, classes)
    index = read_index(data, "train", tmp_path / "index")
    assert list(index) == ["d", "b", "a", "e"]
    if classes != ("dog",):
        cat, dog = data.classes.index("cat"), data.classes.index("dog")
        assert index == {
            "d": (64, 48, [([4, 4, 4, 24], cat, 0)]),
            "b": (64, 48, [([pytest.approx(6.9), 4, 24, 24], dog, 0)]),
            "a": (64, 48, [([4, 4, 24, 24], cat, 1)]),
            "e": (30, 40, [([4, 4, 24, 24], cat, 0)]),
        }
    mmdets = read_with_mmdet(data, folder.root, "train.txt")
    assert {name: image for name, image in mmdets.items() if name != "b"} == {
        name: image for name, image in index.items() if name != "b"
    }
    (corners, *rest), (cut_off, *same) = index["b"][2][0], mmdets["b"][2][0]
    assert rest == same and [int(edge) for edge in corners] == cut_off  # mmdet drops fractions


def test_the_index_of_bccd_agrees_with_mmdet(bccd, tmp_path):
    data = find_detection_data(bccd, classes=("RBC", "WBC", "Platelets"))
    index = read_index(data, "train", tmp_path)
    assert len(index) == 205
    objects = [obj for _, _, objects in index.values() for obj in objects]
    assert len(objects) == 2805
    assert ([180, 328, 180, 328], 0, 0) in objects  # without area, but in the index
    assert index == read_with_mmdet(data, bccd / "VOC2007", "train.txt")


def test_the_index_of_png_images_that_state_no_size(folder, tmp_path):
    folder.voc("images", "annotations", ["a", "b"], suffix=".png")
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    (folder.root / "images" / "b.png").unlink()
    folder.image("images/b.jpg", size=(48, 64), exif=exif)
    for name in "ab":
        xml = f"annotations/{name}.xml"
        folder.edit(xml, "<size><width>64</width><height>48</height></size>", "")
    data = find_detection_data(folder.root)
    assert check_detection_data(data) == []
    assert listed(data, "train") == ["a.png", "b.jpg"]
    index = read_index(data, "train", tmp_path / "index")
    assert [image[:2] for image in index.values()] == [(64, 48), (64, 48)]
