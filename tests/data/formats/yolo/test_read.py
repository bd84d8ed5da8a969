"""YOLO data in every layout that people have, read right or refused with the file and the line."""

import warnings

import numpy as np
import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data

LINE = "0 0.34375 0.375 0.375 0.4166667\n"  # in an image of 64 x 48
BOX = [10, 8, 24, 20]
ULTRALYTICS = "path: ../datasets/cells\ntrain: images/train\nval: images/val\nnames:\n  0: cell\n"


@pytest.fixture
def yolo(folder):
    """Writes images and labels into folders: `yolo("train/images", "train/labels", "a", "b")`."""

    def write(images: str, labels: str, *stems: str, line: str = LINE) -> None:
        for stem in stems:
            folder.image(f"{images}/{stem}.jpg")
            folder.write(f"{labels}/{stem}.txt", line)

    return write


def boxes(data, split="train"):
    """The boxes of every image, by its file name."""
    content = data.splits[split].content
    found = {image["id"]: [] for image in content["images"]}
    for record in content["annotations"]:
        found[record["image_id"]].append(record["bbox"])
    return {image["file_name"]: found[image["id"]] for image in content["images"]}


def assert_found(data, train_dir, val_dir, classes=("cell",)):
    assert (data.format, data.classes) == ("yolo", classes)
    assert data.splits.keys() == {"train", "val"}
    for split, image_dir, names in (("train", train_dir, "ab"), ("val", val_dir, "c")):
        assert data.splits[split].image_dir == data.root / image_dir
        found = boxes(data, split)
        assert list(found) == [f"{name}.jpg" for name in names]
        for objects in found.values():
            assert np.allclose(objects, [BOX], atol=1e-4)
    assert check_detection_data(data) == []


@pytest.mark.parametrize(
    ("text", "images", "labels"),
    [
        (ULTRALYTICS, "images/{}", "labels/{}"),
        ("train: images/train\nval: images/val\nnc: 1\nnames: ['cell']", "images/{}", "labels/{}"),
        ("train: ../train/images\nval: ../val/images\nnames: [cell]", "{}/images", "{}/labels"),
        ("train: /content/x/train/images\nval: C:\\x\\val\\images\nnames: [cell]", "{}/images",
         "{}/labels"),
        ("train: images/train\nval: images/val\nnames: [cell]", "{}/images", "{}/labels"),
        ("path: .\ntrain: train\nval: val\nnames: [cell]", "{}", "{}"),
        (ULTRALYTICS.replace("images/train", "[images/train]"), "images/{}", "labels/{}"),
        ("path: sub\ntrain: images/train\nval: images/val\nnames: [cell]", "sub/images/{}",
         "sub/labels/{}"),
    ],
)  # fmt: skip
def test_layouts_of_a_yaml(folder, yolo, text, images, labels):
    yolo(images.format("train"), labels.format("train"), "a", "b")
    yolo(images.format("val"), labels.format("val"), "c")
    folder.write("data.yaml", text)
    before = folder.files()
    assert_found(find_detection_data(folder.root), images.format("train"), images.format("val"))
    assert folder.files() == before


def test_the_cases_folder_of_roboflow_whose_yaml_is_of_the_other_nesting(folder, yolo):
    yolo("train/images", "train/labels", "a", "b")
    yolo("valid/images", "valid/labels", "c")
    folder.write("data.yaml", "train: images/train\nval: images/val\nnames: [cell]\n")
    data = find_detection_data(folder.root)
    assert_found(data, "train/images", "valid/images")
    said = [note for note in data.notes if "is not there" in note]
    assert said == [
        "train: read train/images, as data.yaml's images/train is not there",
        "val: read valid/images, as data.yaml's images/val is not there",
    ]


def test_lists_of_images_and_several_folders(folder, yolo):
    yolo("images/one", "labels/one", "a")
    yolo("images/two", "labels/two", "b")
    yolo("images/three", "labels/three", "c")
    folder.write("train.txt", "./images/one/a.jpg\n/data/someone/images/two/b.jpg\n")
    folder.write("data.yaml", "train: train.txt\nval: [images/three]\nnames: {0: cell, 1: dog}\n")
    data = find_detection_data(folder.root)
    assert list(boxes(data)) == ["images/one/a.jpg", "images/two/b.jpg"]
    assert list(boxes(data, "val")) == ["c.jpg"]
    assert data.classes == ("cell", "dog")
    assert check_detection_data(data) == []


def test_a_listed_image_that_is_missing_is_named_by_the_check(folder, yolo, refusal):
    yolo("images", "labels", "a")
    folder.write("train.txt", "images/a.jpg\nimages/b.jpg\n")
    folder.write("data.yaml", "train: train.txt\nnames: [cell]\n")
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert f"{folder.root / 'images/b.jpg'}: missing image" in message


def test_darknet_and_cvats_export(folder, yolo):
    yolo("obj_train_data", "obj_train_data", "a", "b")
    yolo("obj_validation_data", "obj_validation_data", "c")
    folder.write("obj.names", "cell\n")
    folder.write("train.txt", "data/obj_train_data/a.jpg\ndata/obj_train_data/b.jpg\n")
    folder.write("valid.txt", "data/obj_validation_data/c.jpg\n")
    text = "classes = 1\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
    folder.write("obj.data", text + "backup = backup/\n")
    assert_found(find_detection_data(folder.root), "obj_train_data", "obj_validation_data")


@pytest.mark.parametrize(
    ("images", "labels", "names"),
    [
        ("images/{}", "labels/{}", "classes.txt"),
        ("{}/images", "{}/labels", "labels/classes.txt"),
        ("{}", "{}", "train/classes.txt"),
        ("{}", "{}", "train/_darknet.labels"),
        ("Images/{}", "Labels/{}", "classes.txt"),
        ("images/{}2017", "labels/{}2017", "obj.names"),
    ],
)
def test_folders_that_no_yaml_describes(folder, yolo, images, labels, names):
    yolo(images.format("train"), labels.format("train"), "a", "b")
    yolo(images.format("val"), labels.format("val"), "c")
    folder.write(names, "cell\n")
    assert_found(find_detection_data(folder.root), images.format("train"), images.format("val"))


def test_images_and_labels_without_splits_are_all_for_training(folder, yolo):
    yolo("images", "labels", "a", "b")
    folder.write("classes.txt", "cell\n")
    folder.write("notes.json", '{"categories": []}')  # Label Studio's
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train"} and list(boxes(data)) == ["a.jpg", "b.jpg"]


def test_classes_keep_the_order_of_their_numbers(folder, yolo):
    yolo("images/train", "labels/train", "a", line=LINE + LINE.replace("0", "1", 1))
    folder.write("data.yaml", "train: images/train\nnames: {1: ant, 0: zebra}\n")
    data = find_detection_data(folder.root)
    assert data.classes == ("zebra", "ant")
    assert [r["category_id"] for r in data.splits["train"].content["annotations"]] == [1, 2]
    data = find_detection_data(folder.root, classes=("ant",))
    assert data.classes == ("ant",) and len(data.splits["train"].content["annotations"]) == 1
    assert "dropped: 1 training objects of other classes" in data.notes


def test_polygons_become_masks_with_their_box_and_area(folder, yolo):
    turned = "1 0.5 0.25 0.75 0.5 0.5 0.75 0.25 0.5\n"  # also what a turned box looks like
    yolo("images/train", "labels/train", "a", line=turned)
    folder.write("data.yaml", "train: images/train\nnames: [cat, dog]\n")
    (record,) = find_detection_data(folder.root).splits["train"].content["annotations"]
    assert record["segmentation"] == [[32, 12, 48, 24, 32, 36, 16, 24]]
    assert record["bbox"] == [16, 12, 32, 24]
    assert record["area"] == 32 * 24 / 2


def test_keypoints_are_left_out_with_a_note(folder, yolo):
    yolo("images/train", "labels/train", "a", line=LINE.rstrip() + " 0.1 0.2 2 0.3 0.4 1\n")
    folder.write("data.yaml", "train: images/train\nnames: [cell]\nkpt_shape: [2, 3]\n")
    data = find_detection_data(folder.root)
    assert np.allclose(boxes(data)["a.jpg"], [BOX], atol=1e-4)
    assert any("1 objects whose keypoints are left out" in note for note in data.notes)


def test_missing_and_left_over_label_files_are_noted(folder, yolo):
    yolo("images/train", "labels/train", "a", "b", "c")
    folder.write("labels/train/b.txt", "")
    (folder.root / "labels/train/c.txt").rename(folder.root / "labels/train/d.txt")
    folder.write("data.yaml", "train: images/train\nnames: [cell]\n")
    data = find_detection_data(folder.root)
    assert [len(objects) for objects in boxes(data).values()] == [1, 0, 0]
    notes = "\n".join(data.notes)
    assert "1 images without a label file, taken as images without objects, first " in notes
    assert "not used: 1 label files without an image, first " in notes and "d.txt" in notes
    assert "train: 3 images, 1 objects, 2 images without one" in notes


def test_a_split_without_labels_is_left_aside_unless_it_is_train(folder, yolo, refusal):
    yolo("images/train", "labels/train", "a")
    folder.image("images/test/t.jpg")
    folder.write("data.yaml", "train: images/train\ntest: images/test\nnames: [cell]\n")
    data = find_detection_data(folder.root)
    assert data.splits.keys() == {"train"}
    assert "test left aside: none of its 1 images has a label file" in data.notes
    (folder.root / "images/test").rename(folder.root / "images/elsewhere")
    assert "test left aside: images/test is not there" in find_detection_data(folder.root).notes
    (folder.root / "labels/train/a.txt").unlink()
    message = refusal(find_detection_data, folder.root)
    assert "a YOLO folder without labels" in message
    assert f"in {folder.root / 'labels/train'}" in message


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0 0.5 0.5 0.2\n", "line 2: 4 numbers, where a box has 5"),
        ("0 0.5 0.5 0.2 0.2 0.9\n", "line 2: 6 numbers, where a box has 5"),
        ("0 0.5 0.5 0.2 0.2 0.9 0.8 0.7\n", "line 2: 8 numbers, where a box has 5"),
        ("1 0.5 0.5 0.2 0.2\n", "line 2: class 1, but the 1 classes are numbered from 0 to 0"),
        ("-1 0.5 0.5 0.2 0.2\n", "line 2: class -1"),
        ("0.5 0.5 0.5 0.2 0.2\n", "line 2: class 0.5"),
        ("nan 0.5 0.5 0.2 0.2\n", "line 2: class nan"),
        ("0 32 24 12 10\n", "line 2: 32 lies beyond 0 and 1"),
        ("0 0.5 0.5 -0.2 0.2\n", "line 2: -0.2 lies beyond 0 and 1"),
        ("0 0.5 nan 0.2 0.2\n", "line 2: nan lies beyond 0 and 1"),
        ("0 0.5 0.5 inf 0.2\n", "line 2: inf lies beyond 0 and 1"),
        ("0 0.1 0.1 0.5 0.1 0.5 1.5\n", "line 2: 1.5 lies beyond 0 and 1"),
        ("0,0.5,0.5,0.2,0.2\n", "line 2: '0,0.5,0.5,0.2,0.2' is not all numbers"),
        ("cell 0.5 0.5 0.2 0.2\n", "line 2: 'cell 0.5 0.5 0.2 0.2' is not all numbers"),
    ],
)
def test_bad_lines_are_refused_with_file_and_line(folder, yolo, refusal, line, message):
    yolo("images/train", "labels/train", "a", line=LINE + line)
    folder.write("data.yaml", "train: images/train\nnames: [cell]\n")
    text = refusal(find_detection_data, folder.root)
    assert f"{folder.root / 'labels/train/a.txt'}: {message}" in text


def test_labels_that_are_no_text_are_refused(folder, yolo, refusal):
    yolo("images/train", "labels/train", "a")
    (folder.root / "labels/train/a.txt").write_bytes(b"0 \xff 1")
    folder.write("data.yaml", "train: images/train\nnames: [cell]\n")
    assert "labels/train/a.txt: is no text in UTF-8" in refusal(find_detection_data, folder.root)


def test_a_byte_order_mark_and_whole_floats_are_read(folder, yolo):
    yolo(
        "images/train", "labels/train", "a", line="\ufeff0.0 0.34375 3.75e-1 0.375 0.4166667\r\n\n"
    )
    folder.write("data.yaml", "train: images/train\nnames: [cell]\n")
    assert np.allclose(boxes(find_detection_data(folder.root))["a.jpg"], [BOX], atol=1e-4)


def test_two_files_for_one_name_are_refused(folder, yolo, refusal):
    yolo("images", "labels", "a")
    folder.write("data.yaml", "train: images\nnames: [cell]\n")
    folder.write("images/a.txt", LINE)
    assert "images/a.txt: a second label file beside" in refusal(find_detection_data, folder.root)
    (folder.root / "images/a.txt").unlink()
    folder.image("images/a.png")
    message = refusal(find_detection_data, folder.root)
    assert "labels/a.txt: labels of" in message and "a.jpg" in message and "a.png" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: images\nnames: [cell", "data.yaml: not valid YAML"),
        ("train: images\nnames: !!python/object/apply:os.getcwd []", "data.yaml: not valid YAML"),
        ("train: images\nnames: {0: cell, 2: dog}", "names are not numbered 0, 1, 2"),
        ("train: images\nnames: []", "names is no list"),
        ("train: images\nnames: [[cell]]", "names are not all text"),
        ("train: images\nnames: [cell, cell]", "class 'cell' is listed twice"),
        ("train: images\nnames: [cell]\nnc: 2", "nc is 2, but there are 1 names"),
        ("train: 3\nnames: [cell]", "'train' is no folder, file or list"),
        ("train: images\nnames: [cell]\nkpt_shape: 3", "kpt_shape 3 is not [number, 2 or 3]"),
        ("train: /etc\nnames: [cell]", "train is '/etc', which is not below"),
        ("train: ../..\nnames: [cell]", "train is '../..', which is not below"),
        ("val: images\nnames: [cell]", "there is no train split beside val"),
    ],
)
def test_bad_descriptions_are_refused(folder, yolo, refusal, text, message):
    yolo("images", "labels", "a")
    folder.write("data.yaml", text)
    assert message in refusal(find_detection_data, folder.root)


def test_a_part_of_a_path_that_lost_its_split_is_another_folder(folder, yolo, refusal):
    """Of val/images, which is not there, images/ is no part: it holds the training images."""
    yolo("images", "labels", "a")
    folder.write("data.yaml", "train: images\nval: /x/val/images\nnames: [cell]\n")
    assert "val is '/x/val/images', which is not below" in refusal(find_detection_data, folder.root)


def test_folders_that_lack_a_part_are_named(folder, yolo, refusal):
    folder.write("labels/train/a.txt", LINE)
    message = refusal(find_detection_data, folder.root)
    assert "labels/train/a.txt: is a YOLO label, but no file names the classes" in message
    assert "add classes.txt" in message
    folder.write("classes.txt", "cell\n")
    assert "a YOLO folder without images" in refusal(find_detection_data, folder.root)


def test_an_empty_line_among_the_names_is_refused(folder, yolo, refusal):
    yolo("images", "labels", "a")
    folder.write("classes.txt", "cell\n\ndog\n\n")
    assert "classes.txt: line 2 is empty" in refusal(find_detection_data, folder.root)


def test_a_missing_list_is_not_guessed_from_folders(folder, yolo, refusal):
    """The folder obj_train_data holds the images of all splits."""
    yolo("obj_train_data", "obj_train_data", "a", "b")
    folder.write("obj.names", "cell\n")
    folder.write("obj.data", "train = data/train.txt\nnames = data/obj.names\n")
    message = refusal(find_detection_data, folder.root)
    assert "train is 'data/train.txt', which is not below" in message


def test_names_in_another_encoding_are_refused(folder, yolo, refusal):
    yolo("images", "labels", "a")
    (folder.root / "classes.txt").write_bytes("Kätzchen\n".encode("latin-1"))
    assert "classes.txt: is no text in UTF-8" in refusal(find_detection_data, folder.root)


def test_names_that_are_only_counted(folder, yolo):
    yolo("images", "labels", "a")
    folder.write("data.yaml", "train: images\nnc: 2\n")
    data = find_detection_data(folder.root)
    assert data.classes == ("class_0", "class_1")
    assert any("data.yaml has no names" in note for note in data.notes)


def test_a_broken_image_is_left_to_the_check(folder, yolo, refusal):
    yolo("images", "labels", "a", "b")
    (folder.root / "images/b.jpg").write_bytes(b"no image")
    folder.write("data.yaml", "train: images\nnames: [cell]\n")
    message = refusal(check_detection_data, find_detection_data(folder.root))
    assert "b.jpg" in message and "unreadable image" in message


def test_boxes_and_polygons_are_those_that_supervision_reads(folder, yolo):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        supervision = pytest.importorskip("supervision", reason="supervision is not installed")
    generator = np.random.default_rng(0)
    for number in range(12):
        lines = []
        for _ in range(3):
            centre, size = generator.uniform(0.3, 0.7, 2), generator.uniform(0.05, 0.5, 2)
            lines.append([*centre, *size] if number % 2 else [*generator.uniform(0, 1, 10)])
        texts = [f"{k % 2} {' '.join(f'{v:.6f}' for v in line)}\n" for k, line in enumerate(lines)]
        yolo("images", "labels", f"{number:02}", line="".join(texts))
    folder.write("data.yaml", "train: images\nnames: [zebra, ant]\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = supervision.DetectionDataset.from_yolo(
            str(folder.root / "images"), str(folder.root / "labels"), str(folder.root / "data.yaml")
        )
    data = find_detection_data(folder.root)
    assert list(data.classes) == oracle.classes
    found = boxes(data)
    assert len(found) == len(oracle.annotations) == 12
    for path, detections in oracle.annotations.items():
        left, top, width, height = np.array(found[path.rpartition("/")[2]]).T
        edges = np.stack([left, top, left + width, top + height], 1)
        assert np.abs(edges - detections.xyxy).max() < 1e-3


def test_every_spoilt_line_is_listed_and_the_others_are_read(folder, yolo):
    yolo("images/train", "labels/train", "a", line=LINE + "0 1 2\n" + LINE + "9 0.5 0.5 0.1 0.1\n")
    yolo("images/train", "labels/train", "b", line="x\n")
    folder.write("data.yaml", "train: images/train\nnames: [cell]\n")
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    assert len(split.unread) == 3
    for line, place in zip(
        split.unread, ("a.txt: line 2", "a.txt: line 4", "b.txt: line 1"), strict=True
    ):
        assert place in line and "; correct" in line
    assert len(split.content["annotations"]) == 2 and len(split.content["images"]) == 2


def test_a_name_that_yaml_takes_for_a_truth_value_is_refused(folder, yolo, refusal):
    yolo("images/train", "labels/train", "ab")
    folder.write("data.yaml", "train: images/train\nnames: [yes, no]\n")
    assert "put it in quotes" in refusal(find_detection_data, folder.root)


def test_a_date_that_is_none_is_named_with_its_file(folder, yolo, refusal):
    yolo("images/train", "labels/train", "ab")
    folder.write("data.yaml", "train: images/train\nnames: [cell]\nmade: 2024-13-45\n")
    assert "data.yaml: not valid YAML" in refusal(find_detection_data, folder.root)


def test_labels_may_be_spelled_otherwise_than_their_images(folder, yolo):
    yolo("images/train", "labels/train", "a")
    for image, label in (("IMG_1", "img_1"), ("\u00e9", "e\u0301")):
        folder.image(f"images/train/{image}.jpg")
        folder.write(f"labels/train/{label}.txt", LINE)
    folder.write("classes.txt", "cell\n")
    data = find_detection_data(folder.root)
    found = boxes(data)
    assert len(found) == 3 and all(len(of_image) == 1 for of_image in found.values())
    assert any(n.startswith("2 labels spelled otherwise than their images, ") for n in data.notes)
    assert not any("not used" in note for note in data.notes)


def test_a_label_is_its_own_image_s_before_another_spelling_s(folder, yolo):
    yolo("images/train", "labels/train", "img_1")
    folder.image("images/train/IMG_1.jpg")
    folder.write("classes.txt", "cell\n")
    found = boxes(find_detection_data(folder.root))
    assert {name: len(of_image) for name, of_image in found.items()} == {
        "img_1.jpg": 1,
        "IMG_1.jpg": 0,
    }


@pytest.mark.parametrize("place", ["", "data/", "ImageSets/Main/"])
@pytest.mark.parametrize(
    "line", ["images/{}.jpg", "./images/{}.jpg", "D:\\x\\images\\{}.jpg", "{}"]
)
def test_lists_beside_classes_txt_are_the_splits(folder, yolo, place, line):
    yolo("images", "labels", "a", "b", "c", "d")
    folder.write("classes.txt", "cell\n")
    for split, names in {"Train": "aba", "autosplit_val": "c", "test": "d"}.items():
        folder.write(f"{place}{split}.txt", "".join(f"{line.format(name)}\n" for name in names))
    splits = find_detection_data(folder.root).splits
    assert {n: [i["file_name"] for i in s.content["images"]] for n, s in splits.items()} == {
        "train": ["a.jpg", "b.jpg"], "val": ["c.jpg"], "test": ["d.jpg"]
    }  # fmt: skip


def test_a_list_by_another_name_is_refused_and_a_label_is_no_list(folder, yolo, refusal):
    yolo("images", "labels", "a", "b", "c")
    folder.write("classes.txt", "cell\n")
    folder.write("test_set.txt", "images/c.jpg\n")
    message = refusal(find_detection_data, folder.root)
    assert "test_set.txt: looks like the list of a split" in message
    folder.write("test_set.txt", "how the images were taken\n")
    assert len(find_detection_data(folder.root).splits["train"].content["images"]) == 3


def test_an_image_called_test_is_no_split(folder, yolo):
    yolo(".", ".", "test", "b")
    folder.write("classes.txt", "cell\n")
    splits = find_detection_data(folder.root).splits
    assert list(splits) == ["train"] and len(splits["train"].content["images"]) == 2


@pytest.mark.parametrize(
    "text", [b"names:\n\t0: dog\n", "nc: 1\nnames: [café]\n".encode("latin-1")]
)
def test_a_broken_yaml_is_not_passed_over_for_a_list_of_classes(folder, yolo, refusal, text):
    yolo("images", "labels", "a")
    folder.write("classes.txt", "cat\n")
    folder.write("settings.yaml", "a: [1")  # somebody else's
    assert find_detection_data(folder.root).classes == ("cat",)
    (folder.root / "custom.yaml").write_bytes(b"train: images\nval: images\n" + text)
    assert "custom.yaml: not valid YAML" in refusal(find_detection_data, folder.root)


def test_a_number_of_classes_in_quotes_is_a_number(folder, yolo, refusal):
    yolo("images", "labels", "a")
    folder.write("data.yaml", "train: images\nval: images\nnc: '1'\nnames: [cat]\n")
    assert find_detection_data(folder.root).classes == ("cat",)
    folder.edit("data.yaml", "'1'", "'2'")
    message = refusal(find_detection_data, folder.root)
    assert "nc is 2, but there are 1 names; correct it" in message


@pytest.mark.parametrize(
    ("images", "labels"), [("val", "valid"), ("val", "validation"), ("val", "")]
)
def test_labels_in_another_folder_than_the_images(folder, yolo, images, labels):
    train = "labels/train" if labels else "labels"
    yolo("images/train", train, "a", "b")
    yolo(f"images/{images}", f"labels/{labels}".rstrip("/"), "c")
    folder.write("classes.txt", "cell\n")
    data = find_detection_data(folder.root)
    assert_found(data, "images/train", f"images/{images}")
    assert not any("left aside" in note or "not used" in note for note in data.notes)


def test_one_label_file_for_images_of_two_splits_is_refused(folder, yolo, refusal):
    yolo("images/train", "labels", "a")
    yolo("images/val", "labels", "a")
    folder.write("classes.txt", "cell\n")
    message = refusal(find_detection_data, folder.root)
    assert "labels/a.txt: labels of " in message and "Remove or rename one" in message


def test_a_confidence_is_called_by_name(folder, yolo, refusal):
    yolo("images", "labels", "a", line="0 0.5 0.5 0.3 0.3 0.91\n")
    folder.write("classes.txt", "cell\n")
    message = refusal(find_detection_data, folder.root)
    assert "line 1: 6 numbers" in message and "a prediction's confidence, remove it" in message


def test_darknet_s_files_in_data(folder, yolo):
    yolo("obj_train_data", "obj_train_data", "a", "b")
    folder.write("data/obj.names", "cell\n")
    folder.write("data/obj.data", "classes = 1\ntrain = data/train.txt\nnames = data/obj.names\n")
    folder.write("data/train.txt", "obj_train_data/a.jpg\nobj_train_data/b.jpg\n")
    data = find_detection_data(folder.root)
    assert data.classes == ("cell",) and list(boxes(data)) == ["a.jpg", "b.jpg"]
