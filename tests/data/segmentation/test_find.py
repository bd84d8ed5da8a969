"""Segmentation data as users keep them: layouts, names of classes, and what is refused."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import ConfigDict
from PIL import Image

from msa_backbone.data.formats.index_masks import VOC_CLASSES
from msa_backbone.data.segmentation.check import check_segmentation_data, mask_defects
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.segmentation.repair import write_repaired

NAMES = ("sky", "road", "car")


@pytest.fixture
def masks(folder):
    """Write pairs of images and masks: `masks("images/{}.jpg", "masks/{}.png", "a", "b")`."""

    def write(image: str, mask: str, *names: str, values=(0, 1, 2, 255)) -> None:
        for name in names:
            folder.image(image.format(name))
            path = folder.root / mask.format(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.resize(np.array(values, np.uint8), (48, 64))
            Image.fromarray(pixels).save(path)

    write.root = folder.root
    return write


LAYOUTS = {
    "images + masks": ("images/{s}/{n}.jpg", "masks/{s}/{n}.png"),
    "mmseg's": ("img_dir/{s}/{n}.jpg", "ann_dir/{s}/{n}.png"),
    "split first": ("{s}/images/{n}.png", "{s}/labels/{n}.png"),
    "SegNet's CamVid": ("{s}/{n}.png", "{s}annot/{n}.png"),
    "masks with a tail": ("images/{s}/{n}.jpg", "masks/{s}/{n}_mask.png"),
    "nested": ("images/{s}/town/{n}.JPG", "masks/{s}/town/{n}.png"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(masks, layout):
    image, mask = LAYOUTS[layout]
    for split, names in (("train", "ab"), ("val", "c"), ("test", "de")):
        masks(image.format(s=split, n="{}"), mask.format(s=split, n="{}"), *names)
    data = find_segmentation_data(masks.root, NAMES)
    assert data.classes == NAMES
    found = {split: [Path(n).name for n in own.names] for split, own in data.splits.items()}
    assert found == {"train": ["a", "b"], "val": ["c"], "test": ["d", "e"]}
    for own in data.splits.values():
        for name in own.names:
            assert own.image(name).is_file() and own.mask(name).is_file()
    assert check_segmentation_data(data) == []


def test_other_words_for_the_splits(masks):
    masks("images/training/{}.jpg", "annotations/training/{}.png", "a")
    masks("images/validation/{}.jpg", "annotations/validation/{}.png", "b")
    data = find_segmentation_data(masks.root, NAMES)
    assert {split: own.names for split, own in data.splits.items()} == {
        "train": ("a",),
        "val": ("b",),
    }


def test_without_a_val_split_a_seeded_tenth_of_train_becomes_one(masks):
    names = [f"{i:02}" for i in range(30)]
    masks("images/{}.jpg", "masks/{}.png", *names)
    data = find_segmentation_data(masks.root, NAMES)
    train, val = data.splits["train"].names, data.splits["val"].names
    assert len(val) == 3 and sorted(train + val) == names
    assert find_segmentation_data(masks.root, NAMES).splits["val"].names == val
    assert any("val is 3 of the 30 training images" in note for note in data.notes)


def test_a_test_split_without_masks_is_left_out_and_a_train_split_is_not(masks, refusal, folder):
    masks("images/train/{}.jpg", "masks/train/{}.png", "a", "b")
    folder.image("images/test/c.jpg")
    assert "test" not in find_segmentation_data(masks.root, NAMES).splits
    folder.image("images/val/d.jpg")
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "images/val/d.jpg: has no mask" in message and "masks/val/d.png" in message


def voc(masks, *lists: tuple[str, str]) -> None:
    """VOC's own folder, with its palette."""
    masks("VOC2012/JPEGImages/{}.jpg", "VOC2012/SegmentationClass/{}.png", *"abcd")
    for path in (masks.root / "VOC2012/SegmentationClass").iterdir():
        mask = Image.open(path)
        mask.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [224, 224, 192] * 253)
        mask.save(path)
    list_dir = masks.root / "VOC2012/ImageSets/Segmentation"
    list_dir.mkdir(parents=True)
    for split, names in lists:
        (list_dir / f"{split}.txt").write_text("\n".join(names) + "\n")


def test_voc(masks, folder):
    voc(masks, ("train", "ab"), ("val", "c"), ("trainval", "abc"))
    folder.image("VOC2012/JPEGImages/without_a_mask.jpg")
    data = find_segmentation_data(masks.root)
    assert data.classes == VOC_CLASSES and len(VOC_CLASSES) == 21
    assert {s: own.names for s, own in data.splits.items()} == {"train": ("a", "b"), "val": ("c",)}
    assert check_segmentation_data(data) == [
        f"classes without a training pixel: {', '.join(VOC_CLASSES[3:])}"
    ]


def test_voc_with_trainval_and_a_test_list_whose_masks_are_secret(masks, folder):
    voc(masks, ("trainval", "abcd"), ("test", "e"))
    folder.image("VOC2012/JPEGImages/e.jpg")
    data = find_segmentation_data(masks.root)
    assert set(data.splits) == {"train", "val"} and len(data.splits["train"].names) == 3


def test_voc_classes_are_mmsegs():
    datasets = pytest.importorskip("mmseg.datasets")
    assert datasets.PascalVOCDataset.METAINFO["classes"] == VOC_CLASSES


def test_voc_with_trainval_alone_and_a_list_of_a_lost_image(masks, refusal):
    voc(masks, ("trainval", "abcd"))
    data = find_segmentation_data(masks.root)
    assert len(data.splits["train"].names) == 3 and len(data.splits["val"].names) == 1
    path = masks.root / "VOC2012/ImageSets/Segmentation/trainval.txt"
    path.write_text("a\nz\n")
    message = refusal(find_segmentation_data, masks.root)
    assert "JPEGImages/z: no such image" in message and "trainval.txt lists it" in message


def test_class_names_come_from_the_folder(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b")
    message = refusal(find_segmentation_data, masks.root)
    assert "class names are unknown" in message and "classes.txt" in message
    assert "--classes" in message and "a.png holds 0, 1, 2" in message
    (masks.root / "labels.txt").write_text("\ufeffsky\nroad \ncar\n\n")
    assert find_segmentation_data(masks.root).classes == NAMES
    assert find_segmentation_data(masks.root, NAMES).classes == NAMES
    message = refusal(find_segmentation_data, masks.root, ("sky", "road"))
    assert "labels.txt: names the classes sky, road, car" in message
    (masks.root / "labels.txt").write_text("sky\nsky\ncar\n")
    assert "named twice" in refusal(find_segmentation_data, masks.root)


def test_numbers_in_a_list_of_names_are_the_values(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", values=(0, 2, 5, 255))
    (masks.root / "classes.txt").write_text("5: car\n0 sky\n2, dirt road\n")
    data = find_segmentation_data(masks.root)
    assert data.classes == ("sky", "dirt road", "car")
    assert data.label_map == {0: 0, 2: 1, 5: 2}
    (masks.root / "classes.txt").write_text("5: car\n5 sky\n2, dirt road\n")
    assert "number stands twice" in refusal(find_segmentation_data, masks.root)


def test_values_named_void_are_ignored_wherever_they_stand(masks):
    """SegNet's CamVid has its void last; others first or in between."""
    masks("images/{}.jpg", "masks/{}.png", "a", "b", values=(0, 1, 2, 3, 255))
    (masks.root / "classes.txt").write_text("sky\nVoid\nroad\nUnlabelled\n")
    data = find_segmentation_data(masks.root)
    assert data.classes == ("sky", "road") and data.label_map == {0: 0, 1: 255, 2: 1, 3: 255}
    assert "Void (1) is ignored" in data.notes and "Unlabelled (3) is ignored" in data.notes
    assert check_segmentation_data(data) == []


def test_coco_instances_go_before_the_panoptic_maps_beside_them(masks, folder):
    content = folder.coco("annotations/instances_train2017.json", "images", ["a.jpg", "b.jpg"])
    masks("images/train2017/{}.jpg", "annotations/panoptic_train2017/{}.png", "a")
    data = find_segmentation_data(masks.root)
    assert data.instances is not None
    assert data.classes[1:] == tuple(c["name"] for c in content["categories"])


def test_images_named_after_their_masks(masks):
    masks("images/train/{}.png.jpg", "masks/train/{}.png", "a", "b")
    masks("images/val/{}.png.jpg", "masks/val/{}.png", "c")
    own = find_segmentation_data(masks.root, NAMES).splits["train"]
    assert own.names == ("a.png", "b.png") and own.mask("a.png").name == "a.png"


def test_colours_of_palette_masks_are_kept(masks):
    masks("images/{}.jpg", "masks/{}.png", "a", "b")
    palette = [[10, 0, 0], [0, 20, 0], [0, 0, 30]]
    for path in (masks.root / "masks").iterdir():
        mask = Image.open(path)
        mask.putpalette([c for colour in palette for c in colour] + [0] * 759)
        mask.save(path)
    data = find_segmentation_data(masks.root, NAMES)
    assert data.palette == tuple(map(tuple, palette))
    assert check_segmentation_data(data) == []


@pytest.mark.parametrize("extra", ["c.png", "c.JPG", "c.tiff"])
def test_images_of_two_endings_are_found_one_by_one(masks, folder, refusal, extra):
    masks("images/{}.jpg", "masks/{}.png", "a", "b")
    folder.image(f"images/{extra}")
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert f"images/{extra}: has no mask" in message and "masks/c.png" in message
    masks("images/{}.jpg", "masks/{}.png", "c")
    (masks.root / "images/c.jpg").unlink()
    data = find_segmentation_data(masks.root, NAMES)
    own = data.splits["train"].names + data.splits["val"].names
    assert sorted(own) == ["a.jpg", "b.jpg", extra]
    assert data.splits["train"].mask(extra) == masks.root / "masks/c.png"
    assert check_segmentation_data(data) == []


def test_lost_masks_are_counted(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", *"abcd")
    for name in "bd":
        (masks.root / f"masks/{name}.png").unlink()
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "images/b.jpg: has no mask" in message and "1 more like it" in message


def test_no_data_and_no_folder(masks, folder, refusal):
    folder.image("a.jpg")
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "no segmentation data" in message and "images/ + masks/" in message
    assert "no such folder" in refusal(find_segmentation_data, masks.root / "x", NAMES)
    masks("images/val/{}.jpg", "masks/val/{}.png", "a")
    assert "no train split" in refusal(find_segmentation_data, masks.root, NAMES)


def spoil(masks, change) -> None:
    path = masks.root / "masks/b.png"
    change(Image.open(path)).save(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda mask: mask.resize((32, 24), 0), ["is 32 x 24", "is 64 x 48", "nearest neighbour"]),
        (lambda mask: mask.convert("RGB"), ["in colours (RGB)", "index mask"]),
        (lambda mask: mask.convert("RGBA"), ["in colours (RGBA)"]),
        (lambda mask: mask.point(lambda v: 7 if v == 2 else v), ["value 7", "0 to 2"]),
        (lambda mask: mask.point(lambda v: 254 if v == 2 else v), ["value 254"]),
        (lambda mask: Image.fromarray(np.full((48, 64), 300, np.uint16)), ["value 300"]),
    ],
)
def test_defects_of_masks(masks, refusal, change, words):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", "c")
    spoil(masks, change)
    message = refusal(check_segmentation_data, find_segmentation_data(masks.root, NAMES))
    assert "masks/b.png" in message
    for word in words:
        assert word in message


def test_other_defects(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", "c")
    path = masks.root / "images/b.jpg"
    sound = path.read_bytes()
    path.write_bytes(sound[:300])
    data = find_segmentation_data(masks.root, NAMES)
    assert "images/b.jpg: unreadable image" in refusal(check_segmentation_data, data)
    path.write_bytes(sound)
    (masks.root / "masks/c.png").write_text("no picture")
    assert "masks/c.png: unreadable mask" in refusal(check_segmentation_data, data)


@pytest.mark.parametrize("limit", [0, 5])
def test_a_truncated_image_is_found_also_where_images_are_not_decoded(masks, limit):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", "c")
    data = find_segmentation_data(masks.root, NAMES)
    assert mask_defects(data, full_decode_limit=limit)[0] == []
    path = masks.root / "images/b.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    (error,) = mask_defects(data, full_decode_limit=limit)[0]
    assert "images/b.jpg: unreadable image" in error


def test_beyond_the_limit_images_are_not_decoded(masks, monkeypatch):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", "c")
    data, decoded = find_segmentation_data(masks.root, NAMES), []
    decode = cv2.imdecode
    monkeypatch.setattr(cv2, "imdecode", lambda *args: decoded.append(args) or decode(*args))
    mask_defects(data, full_decode_limit=1)
    assert len(decoded) == 1


def test_nothing_to_train_on(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", values=(255,))
    message = refusal(check_segmentation_data, find_segmentation_data(masks.root, NAMES))
    assert "every pixel is 255" in message


def test_foreground_as_255_is_refused(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", values=(0, 255))
    data = find_segmentation_data(masks.root, ["ground", "road"])
    message = refusal(check_segmentation_data, data)
    assert "only class 0 (ground)" in message and "save that as 1" in message


def test_splits_by_other_names_are_not_mixed(masks, refusal):
    for word, name in (("train2017", "a"), ("val2017", "b")):
        masks(f"images/{word}/{{}}.jpg", f"masks/{word}/{{}}.png", name)
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "images/train2017: looks like a split by another name" in message


def test_two_folders_of_one_split_are_refused(masks, refusal):
    for word, name in (("train", "a"), ("val", "b"), ("valid", "c")):
        masks(f"images/{word}/{{}}.jpg", f"masks/{word}/{{}}.png", name)
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "images/valid: are two folders for val; move one of them away" in message


def test_folders_of_splits_in_any_case(masks):
    masks("Images/Train/{}.jpg", "Masks/Train/{}.png", "a", "b")
    masks("Images/VALID/{}.jpg", "Masks/Valid/{}.png", "c")
    data = find_segmentation_data(masks.root, NAMES)
    assert {s: own.names for s, own in data.splits.items()} == {"train": ("a", "b"), "val": ("c",)}
    assert check_segmentation_data(data) == []


def test_warnings_and_progress(masks):
    masks("images/train/{}.jpg", "masks/train/{}.png", "a", "b", values=(0, 2))
    masks("images/val/{}.jpg", "masks/val/{}.png", "c")
    steps = []
    data = find_segmentation_data(masks.root, NAMES)
    warnings = check_segmentation_data(data, progress=lambda *step: steps.append(step))
    assert warnings == ["classes without a training pixel: road"]
    assert steps == [(1, 3), (2, 3), (3, 3)]


def test_a_picture_of_train_in_val_under_another_name_is_told_and_mended(masks, tmp_path):
    masks("images/train/{}.jpg", "masks/train/{}.png", "a", "b")
    masks("images/val/{}.jpg", "masks/val/{}.png", "c", "d")
    shutil.copyfile(masks.root / "images/train/b.jpg", masks.root / "images/val/d.jpg")
    data = find_segmentation_data(masks.root, NAMES)
    (warning,) = check_segmentation_data(data)
    assert warning.startswith("images also in the train split: 1, first ")
    assert "images/val/d.jpg; " in warning
    (change,) = write_repaired(data, tmp_path / "fixed")
    assert change.endswith("images/train/b.jpg: left out, it is in another split too")
    fixed = find_segmentation_data(tmp_path / "fixed")
    assert {s: own.names for s, own in fixed.splits.items()} == {"train": ("a",), "val": ("c", "d")}
    assert check_segmentation_data(fixed) == []


def test_a_mask_turned_by_exif_belongs_to_the_turned_image(masks, folder):
    masks("images/{}.jpg", "masks/{}.png", "a", "b")
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn: 48 x 64 stored, 64 x 48 shown
    folder.image("images/b.jpg", size=(48, 64), exif=exif)
    assert check_segmentation_data(find_segmentation_data(masks.root, NAMES)) == []


def test_mmseg_reads_what_was_found(masks):
    """The same files and labels through mmseg's own dataset."""
    datasets = pytest.importorskip("mmseg.datasets")
    transforms = pytest.importorskip("mmseg.datasets.transforms")
    masks("images/train/{}.jpg", "masks/train/{}_L.png", "a", "b")
    masks("images/val/{}.jpg", "masks/val/{}_L.png", "c")
    own = find_segmentation_data(masks.root, NAMES).splits["train"]
    listed = masks.root / "train.txt"
    listed.write_text("\n".join(own.names))
    dataset = datasets.BaseSegDataset(
        ann_file=str(listed),
        data_prefix=ConfigDict(img_path=str(own.image_dir), seg_map_path=str(own.mask_dir)),
        img_suffix=own.image_suffix,
        seg_map_suffix=own.mask_suffix,
        metainfo={"classes": NAMES},
    )
    infos = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [info["seg_map_path"] for info in infos] == [str(own.mask(n)) for n in own.names]
    labels = transforms.LoadAnnotations()(infos[0])["gt_seg_map"]
    assert np.array_equal(labels, np.asarray(Image.open(own.mask("a"))))


def test_camvid_is_sound(camvid):
    names = "Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist"
    data = find_segmentation_data(camvid, names.split())
    counts = {split: len(own.names) for split, own in data.splits.items()}
    assert counts == {"train": 120, "val": 40, "test": 60}
    assert check_segmentation_data(data) == []


def test_an_empty_line_among_the_classes_is_refused(masks, folder, refusal):
    masks("images/{}.jpg", "masks/{}.png", "abc")
    folder.write("classes.txt", "background\n\ncat\ndog\n")
    assert "classes.txt: line 2 is empty" in refusal(find_segmentation_data, masks.root)


@pytest.mark.parametrize("name", ["seg_train.txt", "ImageSets/Main/test_set.txt"])
@pytest.mark.parametrize("masks_in", ["masks/{}.png", "images/{}_mask.png"])
def test_lists_by_other_names_are_not_passed_over(masks, folder, refusal, name, masks_in):
    masks("images/{}.jpg", masks_in, *"abc")
    folder.write(name, "about the data\n")
    assert len(find_segmentation_data(masks.root, NAMES).splits["train"].names) == 2
    folder.write(name, "a\n")
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert f"{name}: looks like the list of a split by another name" in message


@pytest.mark.parametrize("place", ["", "ImageSets/", "ImageSets/Main/"])
@pytest.mark.parametrize(
    "line", ["{}", "images/{}.jpg", "/data/images/{}.jpg masks/{}.png", "{}.jpg"]
)
def test_lists_anywhere_share_out_the_splits(masks, folder, place, line):
    masks("images/{}.jpg", "masks/{}.png", *"abcd", "e f")
    for split, names in {"Train": ["a", "b"], "valid": ["e f"], "test": ["c"]}.items():
        if "masks" in line and "e f" in names:
            names = ["d"]  # two columns are parted by a space
        folder.write(f"{place}{split}.txt", "".join(line.format(n, n) + "\n" for n in names))
    splits = find_segmentation_data(masks.root, NAMES).splits
    val = "d" if "masks" in line else "e f"
    assert {name: split.names for name, split in splits.items()} == {
        "train": ("a", "b"), "val": (val,), "test": ("c",)
    }  # fmt: skip


def test_a_list_names_folders_whose_names_end_as_that_of_the_images(masks, folder):
    masks("images/{}.jpg", "masks/{}.png", *"abc")
    masks("images/old_images/{}.jpg", "masks/old_images/{}.png", *"abc")
    folder.write("train.txt", "old_images/a\nimages/old_images/b.jpg\n")
    folder.write("val.txt", "/data/images/c\n")
    splits = find_segmentation_data(masks.root, NAMES).splits
    assert {name: split.names for name, split in splits.items()} == {
        "train": ("old_images/a", "old_images/b"), "val": ("c",)
    }  # fmt: skip


@pytest.mark.parametrize("word", ["trainval", "all", "Default"])
def test_the_list_of_all_is_without_what_others_list(masks, folder, word):
    masks("JPEGImages/{}.jpg", "SegmentationClass/{}.png", *"abcd")
    folder.write(f"ImageSets/Segmentation/{word}.txt", "a\nb\nc\nd\n")
    folder.write("ImageSets/Segmentation/val.txt", "c\n")
    folder.write("ImageSets/Segmentation/test.txt", "d\n")
    data = find_segmentation_data(masks.root, NAMES)
    assert {name: split.names for name, split in data.splits.items()} == {
        "train": ("a", "b"), "val": ("c",), "test": ("d",)
    }  # fmt: skip
    assert f"train is {word}.txt without 2 images of other lists" in data.notes


def test_an_empty_list_of_val_is_left_aside_and_one_of_train_is_named(masks, folder, refusal):
    masks("JPEGImages/{}.jpg", "SegmentationClass/{}.png", *"abc")
    folder.write("ImageSets/Segmentation/train.txt", "a\nb\nc\n")
    folder.write("ImageSets/Segmentation/val.txt", "\n")
    data = find_segmentation_data(masks.root, NAMES)
    assert len(data.splits["train"].names) == 2 and len(data.splits["val"].names) == 1
    left_aside = f"val is left aside: {masks.root}/ImageSets/Segmentation/val.txt has no image"
    assert left_aside in data.notes
    folder.write("ImageSets/Segmentation/train.txt", "")
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "train.txt: lists no image to train on" in message


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/{}.jpg", "masks/{}.jpg"),
        ("train/images/{}.jpg", "train/masks/{}.JPEG"),
        ("images/train/{}.png", "annotations/train/{}.npy"),
        ("JPEGImages/{}.jpg", "SegmentationClass/{}.jpg"),
        ("train/{}.jpg", "trainannot/{}.webp"),
        ("train/{}.jpg", "train/{}_mask.jpg"),
    ],
)
def test_masks_that_no_file_can_hold_are_named(folder, refusal, image, mask):
    folder.image(image.format("a"))
    if mask.endswith("npy"):
        folder.write(mask.format("a"), "")
    else:
        folder.image(mask.format("a"))
    message = refusal(find_segmentation_data, folder.root, NAMES)
    assert message.startswith(f"{folder.root}/{mask.format('a')}: a mask as ")
    assert message.endswith("save the number of its class in every pixel, as PNG")


def test_names_that_are_no_utf_8_are_named_in_a_line_that_can_be_printed(masks, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", "c")
    for place in ("images/{}.jpg", "masks/{}.png"):
        path = masks.root / place.format("a")
        os.rename(path, os.fsencode(path.with_name("ä")).replace("ä".encode(), b"\xe4"))
    for place, suffix in (("images", ".jpg"), ("masks", ".png")):
        raw = os.fsencode(masks.root / place) + b"/\xe4"
        os.rename(raw, raw + suffix.encode())
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert f"{masks.root}/images: \\udce4.jpg: has a name that is no UTF-8" in message
    assert "rename it" in message and message.endswith("1 more like it")
    message.encode()


def test_a_second_column_names_the_mask(masks, folder, refusal):
    masks("images/{}.jpg", "masks/{}.png", "a", "b", "c", "d")
    folder.write("train.txt", "images/a.jpg masks/b.png\nimages/b.jpg, data/masks/a.png\n")
    folder.write("val.txt", "c.jpg 1\n")
    splits = find_segmentation_data(masks.root, NAMES).splits
    pairs = {s.image(n).name: s.mask(n).name for s in splits.values() for n in s.names}
    assert pairs == {"a.jpg": "b.png", "b.jpg": "a.png", "c.jpg": "c.png"}
    folder.write("val.txt", "c.jpg masks/e.png\n")
    message = refusal(find_segmentation_data, masks.root, NAMES)
    assert "images/c.jpg: has no mask masks/e.png; add it" in message
