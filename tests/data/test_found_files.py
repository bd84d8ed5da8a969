"""The walk through the user's folder: links, hidden files, circles; what is in no split."""

import json
import ntpath
import unicodedata
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data import found_files
from msa_backbone.data.classification.find import find_classification_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.folders import user_folder
from msa_backbone.data.found_files import files_below, images_in, spelling_key
from msa_backbone.data.language.find import find_questions
from msa_backbone.data.modalities.check import modality_defects
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.errors import DataError
from msa_backbone.files.modality_files import Modality

LINE = "0 0.5 0.5 0.25 0.5\n"


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_hidden_files_are_left_out_and_endings_are_known_in_any_case(tmp_path):
    names = ["b.JPG", "a/c.png", "a/.d.png", ".e/f.png", "a/notes.txt", "._b.JPG"]
    touch(*(tmp_path / name for name in names))
    assert images_in(tmp_path) == [tmp_path / "a/c.png", tmp_path / "b.JPG"]
    assert sorted(files_below(tmp_path)) == ["a/c.png", "a/notes.txt", "b.JPG"]
    assert list(files_below(tmp_path / "missing")) == []


def test_linked_folders_are_walked_through_once_and_never_in_a_circle(tmp_path):
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    touch(root / "a/1.jpg", elsewhere / "2.jpg", elsewhere / "b/3.jpg")
    (root / "linked").symlink_to(elsewhere)
    (root / "again").symlink_to(root / "a")
    (root / "a/up").symlink_to(tmp_path)
    (root / "self").symlink_to(root)
    (elsewhere / "back").symlink_to(elsewhere)
    (elsewhere / "b/home").symlink_to(root)
    (root / "nowhere").symlink_to(tmp_path / "missing")
    assert sorted(files_below(root)) == ["a/1.jpg", "linked/2.jpg", "linked/b/3.jpg"]
    (tmp_path / "all").symlink_to(root)
    assert sorted(files_below(tmp_path / "all")) == sorted(files_below(root))


def test_a_link_to_itself_hides_nothing_beside_it(tmp_path):
    touch(tmp_path / "a.jpg", tmp_path / "more/b.jpg")
    for name in ("circle.jpg", "more/circle"):
        (tmp_path / name).symlink_to(tmp_path / name)
    assert sorted(files_below(tmp_path)) == ["a.jpg", "more/b.jpg"]


def test_a_link_to_where_nobody_may_look_hides_nothing_beside_it(tmp_path, monkeypatch):
    def refused() -> bool:
        raise PermissionError

    class Scan:
        """In the place of `os.scandir`, as tests may run as a user who may look everywhere."""

        def __init__(self, _: str) -> None:
            yes, no = (lambda: True), (lambda: False)
            self.entries = [
                SimpleNamespace(name="locked", is_dir=refused, is_file=refused),
                SimpleNamespace(name="a.jpg", is_dir=no, is_file=yes),
            ]

        def __enter__(self) -> list[SimpleNamespace]:
            return self.entries

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr(found_files.os, "scandir", Scan)
    assert list(files_below(tmp_path)) == ["a.jpg"]


def test_spellings():
    assert spelling_key("Caf\u00e9 1.JPG") == spelling_key("cafe\u0301%201.jpg")
    assert spelling_key("100%.jpg") != spelling_key("100.jpg")


def test_yolo_labels_and_images_may_lie_behind_links(folder, tmp_path):
    for name in ("1", "2"):
        folder.image(f"../elsewhere/images/train/{name}.jpg")
        folder.write(f"../elsewhere/labels/train/{name}.txt", LINE)
    folder.write("classes.txt", "cell\n")
    for kind in ("images", "labels"):
        (folder.root / kind).symlink_to(tmp_path / "elsewhere" / kind)
    train = find_detection_data(folder.root).splits["train"].content
    assert [image["file_name"] for image in train["images"]] == ["1.jpg", "2.jpg"]
    assert [record["bbox"] for record in train["annotations"]] == [[24, 12, 16, 24]] * 2


def test_jsons_of_labelme_may_lie_behind_a_link(folder, tmp_path):
    folder.image("../elsewhere/a.jpg")
    shape = {"label": "cat", "points": [[1, 2], [9, 8]], "shape_type": "rectangle"}
    content = {"shapes": [shape], "imagePath": "a.jpg", "imageHeight": 48, "imageWidth": 64}
    folder.write("../elsewhere/a.json", json.dumps(content))
    (folder.root / "photos").symlink_to(tmp_path / "elsewhere")
    split = find_detection_data(folder.root).splits["train"]
    assert split.image_dir / split.content["images"][0]["file_name"] == folder.root / "photos/a.jpg"
    assert split.content["annotations"][0]["bbox"] == [1, 2, 8, 6]


def pairs(folder, image: str, mask: str, *names: str) -> None:
    for name in names:
        folder.image(image.format(name))
        path = folder.root / mask.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.resize(np.array([0, 1], np.uint8), (48, 64))).save(path)


def test_masks_may_lie_behind_a_link(folder, tmp_path):
    pairs(folder, "images/a/{}.jpg", "masks/a/{}.png", "1", "2")
    pairs(folder, "../elsewhere/{}.jpg", "../elsewhere_masks/{}.png", "3")
    (folder.root / "images/b").symlink_to(tmp_path / "elsewhere")
    (folder.root / "masks/b").symlink_to(tmp_path / "elsewhere_masks")
    splits = find_segmentation_data(folder.root, ["no", "yes"]).splits
    assert sorted(splits["train"].names + splits["val"].names) == ["a/1", "a/2", "b/3"]


def test_classes_may_lie_behind_a_link(folder, tmp_path):
    for place in ("train/cat", "../elsewhere"):
        for number in range(3):
            folder.image(f"{place}/{number}.jpg")
    (folder.root / "train/dog").symlink_to(tmp_path / "elsewhere")
    data = find_classification_data(folder.root)
    assert data.classes == ("cat", "dog") and sum(map(len, data.splits.values())) == 6


def test_questions_and_their_pictures_may_lie_behind_links(folder, tmp_path):
    for number in range(2):
        folder.image(f"../elsewhere/{number}.jpg")
    folder.image("../elsewhere/.trash/0.jpg")
    rows = [{"image": n, "question": "is it?", "answer": "yes"} for n in range(2)]
    folder.write("../told/all.json", json.dumps(rows))
    folder.write("../told/._all.json", "is it a 'question'? no")
    (folder.root / "images").symlink_to(tmp_path / "elsewhere")
    (folder.root / "words").symlink_to(tmp_path / "told")
    splits = find_questions(folder.root).splits
    images = {question.image for questions in splits.values() for question in questions}
    assert images == {"images/0.jpg", "images/1.jpg"}


def test_pictures_of_another_camera_behind_a_link_are_counted(folder, tmp_path):
    images = [folder.image(f"visible/{name}.jpg") for name in "ab"]
    for place in ("infrared/a", "infrared/b", "../night/c", "../night/._c"):
        folder.image(f"{place}.jpg")
    (folder.root / "infrared/night").symlink_to(tmp_path / "night")
    cameras = [Modality(name, 3, name) for name in ("visible", "infrared")]
    notes = modality_defects({"train": images}, cameras)[1]
    count = f"not used: 1, first {folder.root}/infrared/night/c.jpg"
    assert sum(note.endswith(count) for note in notes) == 1


def test_lists_by_other_names_are_found_behind_a_link(folder, tmp_path, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.write("../lists/._train_list.txt", "a\n")
    (folder.root / "ImageSets").mkdir()
    (folder.root / "ImageSets/more").symlink_to(tmp_path / "lists")
    assert len(find_detection_data(folder.root).splits["train"].content["images"]) == 2
    folder.write("../lists/train_list.txt", "a\n")
    message = refusal(find_detection_data, folder.root)
    assert "ImageSets/more/train_list.txt: looks like the list of a split" in message


@pytest.mark.parametrize("beside", ["images/train_station", "images/holdout", "more"])
def test_images_beside_the_splits_of_yolo_are_counted(folder, beside):
    for place in ("images/train", "images/val", beside):
        for name in ("a", "b"):
            folder.image(f"{place}/{place[-3:]}{name}.jpg")
            folder.write(f"{place.replace('images', 'labels')}/{place[-3:]}{name}.txt", LINE)
    folder.write("data.yaml", "train: images/train\nval: images/val\nnames: [cell]\n")
    notes = find_detection_data(folder.root).notes
    first = f"{beside}/{beside[-3:]}a.jpg"
    assert f"not used: 2 images that are in no split, first {first}" in notes


def test_used_images_are_known_by_windows_paths(monkeypatch):
    monkeypatch.setattr(found_files, "walk", lambda _: [("images/train/", ["a.jpg", "b.jpg"])])
    monkeypatch.setattr(found_files, "os", SimpleNamespace(path=ntpath))
    root = PureWindowsPath("C:/data")
    used = [str(root / "images/train/a.jpg")]
    assert found_files.unused_images(root, used) == [
        "not used: 1 images that are in no split, first images/train/b.jpg"
    ]
    assert found_files.unused_images(root, used, [root / "images"]) == []


def test_images_beside_coco_s_and_voc_s_are_counted_but_no_masks(folder):
    folder.coco("annotations/instances_train.json", "train2017", ["a.jpg", "b.jpg"])
    folder.image("masks/a.png")
    assert not any("in no split" in note for note in find_detection_data(folder.root).notes)
    folder.image("unlabeled2017/c.jpg")
    folder.image("train2017/d.jpg")
    notes = find_detection_data(folder.root).notes
    assert "not used: 2 images that are in no split, first train2017/d.jpg" in notes


def test_images_beside_the_splits_of_masks_are_counted(folder):
    pairs(folder, "images/train/{}.png", "masks/train/{}.png", "a", "b")
    pairs(folder, "images/val/{}.png", "masks/val/{}.png", "c")
    classes = ["no", "yes"]
    assert not any("in no split" in n for n in find_segmentation_data(folder.root, classes).notes)
    pairs(folder, "images/extra/{}.png", "masks/extra/{}.png", "d")
    notes = find_segmentation_data(folder.root, classes).notes
    assert "not used: 1 images that are in no split, first images/extra/d.png" in notes


@pytest.mark.parametrize("images", ["JPEGImages/{}", "JPEGImages"])
def test_xml_files_in_folders_by_site_are_all_read(folder, images):
    for site, name in (("a", "1"), ("b", "2"), ("", "3")):
        folder.voc(images.format(site), f"Annotations/{site}", [name], label=f"cat{name}")
    data = find_detection_data(folder.root)
    train = data.splits["train"]
    files = [image["file_name"] for image in train.content["images"]]
    expected = ["3.jpg", "a/1.jpg", "b/2.jpg"] if "{" in images else ["1.jpg", "2.jpg", "3.jpg"]
    assert sorted(files) == expected and data.classes == ("cat1", "cat2", "cat3")
    folder.voc("JPEGImages/test", "Annotations/test", ["4"])
    data = find_detection_data(folder.root)
    assert len(data.splits["train"].content["images"]) == 3
    assert "not used: 1 images that are in no split, first JPEGImages/test/4.jpg" in data.notes


def test_class_folders_are_matched_to_train_s(folder):
    nfd = unicodedata.normalize("NFD", "caf\u00e9")
    for place in ("train/caf\u00e9", "train/dog", f"val/{nfd}", "val/Dog", f"test/{nfd}"):
        for number in range(2):
            folder.image(f"{place}/{number}.jpg")
    data = find_classification_data(folder.root)
    assert data.classes == ("caf\u00e9", "dog")
    assert [label for _, label in data.splits["val"]] == [0, 0, 1, 1]
    assert data.splits["val"][2][0] == "val/Dog/0.jpg" and len(data.splits["test"]) == 2
    assert "classes spelled otherwise than in train: 1, first 'Dog'" in data.notes
    assert find_classification_data(folder.root, ["dog", "caf\u00e9"]).splits["val"][0][1] == 0


def test_two_folders_of_a_split_that_mean_one_class_are_joined(folder):
    for number, place in enumerate(("train/cat", "train/dog", "val/CAT", "val/Cat", "val/dog")):
        folder.image(f"{place}/{number}.jpg")
    data = find_classification_data(folder.root)
    assert data.splits["val"] == (("val/CAT/2.jpg", 0), ("val/Cat/3.jpg", 0), ("val/dog/4.jpg", 1))
    assert any(note.startswith("classes spelled otherwise than in train: 2") for note in data.notes)


def test_images_in_no_class_folder_of_a_split_are_counted(folder):
    for place in ("train/cat", "train/dog", "val/cat", "val/dog", "test"):
        for number in range(2):
            folder.image(f"{place}/{number}.jpg")
    assert not any("in no split" in note for note in find_classification_data(folder.root).notes)
    folder.image("holdout/cat/0.jpg")
    folder.image("train/loose.jpg")
    data = find_classification_data(folder.root)
    assert "not used: 2 images that are in no split, first holdout/cat/0.jpg" in data.notes
    assert sum(map(len, data.splits.values())) == 8


def test_names_of_classes_whose_accents_are_written_in_two_ways_are_one(folder):
    nfc, nfd = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))
    folder.voc("JPEGImages", "Annotations", ["a"], label=nfc)
    folder.voc("JPEGImages", "Annotations", ["b"], label=nfd)
    data = find_detection_data(folder.root)
    ids = [record["category_id"] for record in data.splits["train"].content["annotations"]]
    assert data.classes == (nfc,) and ids == [1, 1]


def test_categories_of_val_whose_accents_are_written_otherwise_are_train_s(folder, tmp_path):
    nfc, nfd = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))
    folder.coco("annotations/train.json", "train", ["a.jpg"], ("dog", nfc), label=1)
    folder.coco("annotations/val.json", "val", ["b.jpg"], ("dog", nfd), label=1)
    data = find_detection_data(folder.root)
    val = data.splits["val"].content
    names = {category["id"]: category["name"] for category in val["categories"]}
    assert [names[record["category_id"]] for record in val["annotations"]] == [nfc]
    note = "val: categories matched to train.json's by name (accents written otherwise)"
    assert note in data.notes and data.splits["val"].ann_file is None


def test_jfif_is_jpeg_and_pictures_of_unread_formats_are_counted(folder):
    for name in ("cats/0", "cats/1", "dogs/0", "dogs/1"):
        folder.image(f"{name}.jpg")
        (folder.root / f"{name}.jpg").rename(folder.root / f"{name}.jfif")
    for name in ("cats/2.GIF", "cats/3.heic", "dogs/2.gif"):
        folder.write(name, "GIF89a")
    data = find_classification_data(folder.root)
    images = sorted(name for listed in data.splits.values() for name, _ in listed)
    assert images == ["cats/0.jfif", "cats/1.jfif", "dogs/0.jfif", "dogs/1.jfif"]
    note = "not used: 3 pictures as .gif, .heic, first cats/2.GIF; save them as PNG or JPEG"
    assert note in data.notes


@pytest.mark.parametrize("depth", ["mydata", "export/mydata v2"])
def test_an_archive_s_own_folder_around_the_data_is_passed_through(folder, depth):
    for split in ("train", "valid"):
        folder.coco(f"{depth}/{split}/_annotations.coco.json", f"{depth}/{split}", [f"{split}.jpg"])
    folder.write("__MACOSX/x.json", "{}")
    folder.write("README.txt", "photos")
    folder.write("mydata.zip", "PK")
    data = find_detection_data(folder.root)
    assert data.root == folder.root / depth and data.splits.keys() == {"train", "val"}
    folder.image("other.jpg")  # now the folder holds more than the archive
    with pytest.raises(DataError):
        find_detection_data(folder.root)


def test_folders_that_are_no_archive_s_stay(folder):
    for path in ("images/train/cat", "links/a"):
        (folder.root / "a" / path).mkdir(parents=True)
    assert user_folder(folder.root) == folder.root / "a"
    assert user_folder(folder.root / "a/images") == folder.root / "a/images"
    assert user_folder(folder.root / "a/links") == folder.root / "a/links"
    (folder.root / "a/links/a/b").symlink_to(folder.root / "a")  # no way through, no endless one
    assert user_folder(folder.root / "a/links") == folder.root / "a/links"


def test_a_file_is_no_folder(folder, refusal):
    folder.write("train.json", "{}")
    message = refusal(user_folder, folder.root / "train.json")
    assert message.endswith(f"is a file; name the folder that holds the data, {folder.root}")
