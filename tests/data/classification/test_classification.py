"""Folders of classes: what is found, what is chosen for val, and what is refused."""

import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.classification.check import check_classification_data
from msa_backbone.data.classification.find import find_classification_data
from msa_backbone.data.classification.index import write_index
from msa_backbone.errors import DataError


def fill(folder: Path, counts: dict[str, int], shade: int = 0) -> Path:
    """Pictures of noise, all different."""
    for number, (name, count) in enumerate(counts.items()):
        random = np.random.default_rng([number, shade])
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            array = random.integers(0, 255, (12, 10, 3), np.uint8)
            Image.fromarray(array).save(folder / name / f"im {index}.png")
    return folder


@pytest.fixture
def root(tmp_path) -> Path:
    fill(tmp_path / "train", {"cat": 20, "ant": 30, "bee": 1})
    fill(tmp_path / "test", {"cat": 2, "ant": 1}, shade=1)
    (tmp_path / "train/empty").mkdir()
    (tmp_path / "train/notes").mkdir()
    (tmp_path / "train/notes/readme.txt").write_text("no picture")
    return tmp_path


def test_classes_are_sorted_and_val_is_a_tenth_of_each(root):
    data = find_classification_data(root)
    assert data.classes == ("ant", "bee", "cat")
    labels = {
        split: np.bincount([label for _, label in own], minlength=3).tolist()
        for split, own in data.splits.items()
    }
    assert labels == {"train": [27, 1, 18], "val": [3, 0, 2], "test": [1, 0, 2]}
    names = {split: {name for name, _ in own} for split, own in data.splits.items()}
    assert not names["train"] & names["val"] and "test/cat/im 0.png" in names["test"]
    assert find_classification_data(root) == data
    assert "val is 5 of the training images" in " ".join(data.notes)
    assert "no class, as without images: empty, notes" in data.notes


def test_a_val_split_is_taken_as_it_is(root):
    fill(root / "valid", {"cat": 2, "ant": 2}, shade=2)
    data = find_classification_data(root)
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [51, 4, 3]


def test_splits_are_known_in_capitals(root):
    (root / "train").rename(root / "Train")
    fill(root / "Validation", {"cat": 2, "ant": 2}, shade=2)
    data = find_classification_data(root)
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [51, 4, 3]
    assert data.splits["train"][0][0] == "Train/ant/im 0.png"


def test_hidden_files_and_folders_are_no_data(root):
    before = find_classification_data(root)
    for folder in ("train/.trash", "train/ant/.ipynb_checkpoints", ".cache"):
        fill(root, {folder: 2})
    (root / "train/cat/._im 0.png").write_bytes(b"of the system")
    assert find_classification_data(root) == before


def test_class_folders_alone_are_all_for_training(tmp_path):
    data = find_classification_data(fill(tmp_path, {"b": 10, "a": 5}))
    assert data.classes == ("a", "b") and set(data.splits) == {"train", "val"}
    assert (len(data.splits["train"]), len(data.splits["val"])) == (13, 2)


def test_chosen_classes_keep_their_order(root):
    data = find_classification_data(root, ["cat", "ant"])
    assert data.classes == ("cat", "ant")
    assert {label for name, label in data.splits["test"] if "cat" in name} == {0}


@pytest.mark.parametrize(
    ("spoil", "classes", "expected"),
    [
        (
            lambda root: shutil.rmtree(root / "train"),
            None,
            r"no train folder beside .*test; add it",
        ),
        (lambda root: shutil.rmtree(root / "train/cat"), ["ant", "cat"], r"no class 'cat'"),
        (
            lambda root: [shutil.rmtree(root / name) for name in ("train/cat", "train/bee")],
            None,
            r"train: 1 folders with images; a classifier needs two classes or more",
        ),
        (lambda root: (root / "val").mkdir(), None, r"val: no image of ant, bee, cat"),
        (lambda root: fill(root / "val", {"ant": 1}), ["bee", "cat"], r"val: no image of bee, cat"),
        (
            lambda root: [(root / name).mkdir() for name in ("val", "valid")],
            None,
            r"valid: a second val folder beside .*val; move it away",
        ),
        (
            lambda root: (root / "train/ant/im 0.png").rename(root / "train/ant/im\n0.png"),
            None,
            r"'train/ant/im\\n0.png' starts with a space or breaks a line; rename",
        ),
        (lambda root: None, ["cat"], r"--classes cat: name two different ones or more"),
        (lambda root: None, ["cat", "ant", "cat"], r"--classes cat ant cat: name two different"),
        (lambda root: fill(root / "test", {"cow": 1}), None, r"test: class 'cow' has no image in"),
        (lambda root: None, ["cat", "an"], r"no class 'an'; did you mean 'ant'\?"),
        (lambda root: shutil.rmtree(root), None, r"no such folder"),
    ],
)
def test_what_is_no_classification_data_is_refused(root, spoil, classes, expected):
    spoil(root)
    with pytest.raises(DataError, match=expected) as caught:
        find_classification_data(root, classes)
    assert "\n" not in str(caught.value)


def test_splits_without_classes_are_left_aside(root):
    before = find_classification_data(root)
    for path in (root / "test").iterdir():
        for file in list(path.iterdir()):
            file.rename(root / "test" / f"{path.name} {file.name}")
        path.rmdir()
    data = find_classification_data(root)
    assert data.splits == {split: before.splits[split] for split in ("train", "val")}
    assert "test left aside: 3 images in no class folder" in data.notes
    fill(root / "test", {"unknown": 2})
    data = find_classification_data(root)
    assert data.splits.keys() == {"train", "val"}
    assert "test left aside: its folders (unknown) are no classes of train" in data.notes
    fill(root, {"val": 2})
    assert "val left aside: 2 images in no class folder" in find_classification_data(root).notes


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            [f"train/{name}.{i}.jpg" for name in ("cat", "dog") for i in range(5)],
            r"train: 10 images in no class folder, whose names begin with cat, dog; "
            r"move those of cat into .*train/cat/, and so on",
        ),
        (
            [f"Golden Retriever ({i}).jpg" for i in range(3)] + ["a_12.jpg", "b_1.jpg", "c-2.jpg"],
            r"6 images in no class folder, whose names begin with Golden Retriever, a, b, \.\.\.;",
        ),
        (
            [f"train/{i}.jpg" for i in range(4)],
            r"train: 4 images in no class folder; move every image into a folder of its class",
        ),
        (["images/0.jpg", "images/1.jpg"], r"1 folders with images; a classifier needs two"),
        (
            ["bus/0.jpg", "train/0.jpg", "train/1.jpg"],
            r"train: 2 images in no class folder; where it is a class itself, as bus/ beside it",
        ),
        (["images/train/0.jpg", "images/val/1.jpg"], r"1 folders with images; a classifier needs"),
        (["VOC2012/JPEGImages/0.jpg"], r"1 folders with images; a classifier needs"),
    ],
)
def test_images_that_are_not_arranged_by_class(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(DataError, match=expected):
        find_classification_data(tmp_path)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (
            ["images/Cat_1.jpg", "images/dog_1.jpg", "annotations/trimaps/Cat_1.png"],
            r"images: seems to hold all images beside annotations/, not a class; move those of Cat "
            r"into \S*images/Cat/, and so on, and give \S*images$",
        ),
        (
            ["images/cat/1.jpg", "images/dog/1.jpg", "masks/1.png"],
            r"images: .* not a class; if the classes are the folders in it \(cat, dog\), give",
        ),
        (
            ["photos v2/cat/1.jpg", "photos v2/dog/1.jpg"],
            r"photos v2: the only folder with images; if the classes are .* give .*photos v2$",
        ),
        (
            ["fold1/cat/1.jpg", "fold1/dog/1.jpg", "fold2/cat/2.jpg", "fold2/dog/2.jpg"],
            r"fold1, fold2 hold the same folders \(cat, dog\) and look like parts of the data",
        ),
        (
            ["k 1/cat/1.jpg", "k 1/dog/1.jpg", "k 2/cat/2.jpg", "k 2/dog/2.jpg", "k 2/cow/1.jpg"],
            r"k 1, k 2 hold the same folders \(cat, dog\) and look like parts of the data",
        ),
        (
            ["JPEGImages/1.jpg", "SegmentationClass/1.png"],
            r"JPEGImages: .* not a class; move every image into a folder of its class there, and",
        ),
    ],
)
def test_folders_that_are_no_classes(tmp_path, names, expected):
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    with pytest.raises(DataError, match=expected):
        find_classification_data(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        *(("masks", "no_mask"), ("part 1", "part 2"), ("car", "labels")),
        *(("bus_stop", "test_tube", "train_station"), ("bus", "car", "images")),
    ],
)
def test_names_that_may_be_classes_are(tmp_path, names):
    fill(tmp_path, dict.fromkeys(names, 2))
    assert find_classification_data(tmp_path).classes == names


def test_accents_may_stand_behind_their_letters(tmp_path):
    """As macOS writes them into archives: the folders' names are decomposed (NFD)."""
    named = {name: unicodedata.normalize("NFD", name) for name in ("café", "thé")}
    fill(tmp_path, dict.fromkeys(named.values(), 2))
    data = find_classification_data(tmp_path)
    assert data.classes == tuple(named)
    assert all((tmp_path / name).is_file() for name, _ in data.splits["train"])
    alone = tmp_path / "train"
    fill(alone / named["café"], {"a": 1, "b": 1})
    with pytest.raises(DataError, match=r"the only folder with images; if the classes are .*a, b"):
        find_classification_data(tmp_path)


def test_folders_inside_of_classes_are_told(tmp_path):
    fill(tmp_path, {"animals/cat": 2, "animals/dog": 2, "vehicles/images": 2})
    data = find_classification_data(tmp_path)
    assert data.classes == ("animals", "vehicles")
    expected = "classes whose images lie in several folders: 1, first animals (cat, dog)"
    assert expected in data.notes


def test_a_split_s_folder_may_be_in_itself(tmp_path):
    for split in ("train", "test"):
        fill(tmp_path / split / split, {"cats": 2, "dogs": 2})
    data = find_classification_data(tmp_path)
    assert data.classes == ("cats", "dogs") and data.splits.keys() == {"train", "val", "test"}
    assert all(name.startswith("test/test/") for name, _ in data.splits["test"])


def test_pictures_that_are_not_read_are_said_where_there_are_no_others(tmp_path):
    for name in ("cat/1.heic", "dog/2.HEIC"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x")
    with pytest.raises(DataError, match=r"no image that is read, but 2 pictures as \.heic, first"):
        find_classification_data(tmp_path)


@pytest.mark.parametrize(
    ("table", "head"), [("train.csv", "id,breed"), ("labels.csv", "Image,Label")]
)
def test_a_table_of_labels_is_recognised(tmp_path, table, head):
    fill(tmp_path, {"images": 3})
    (tmp_path / "sample.csv").write_text("a,b\n")
    (tmp_path / table).write_text(f"{head}\n1,cat\n")
    expected = rf"{table}: is a table of labels \({', '.join(head.split(','))}\), which is not read"
    with pytest.raises(DataError, match=expected):
        find_classification_data(tmp_path)


def test_broken_pictures_are_named_and_copies_are_warned_of(root):
    assert check_classification_data(find_classification_data(root)) == [
        "class bee has 1 training images, another 20x that"
    ]
    shutil.copy(root / "train/cat/im 3.png", root / "test/cat/copy.png")
    data = find_classification_data(root)
    in_train = ("train/cat/im 3.png", 2) in data.splits["train"]
    warnings = check_classification_data(data)
    assert ("images also in the train split: 1" in warnings[0]) == in_train
    content = (root / "train/ant/im 0.png").read_bytes()
    (root / "train/ant/im 0.png").write_bytes(content[: len(content) // 2])
    (root / "train/ant/im 1.png").write_text("text")
    with pytest.raises(DataError, match=r"im [01]\.png: unreadable image .*; 1 more errors"):
        check_classification_data(find_classification_data(root))


def test_lists_are_written_outside_of_the_data_only(root, tmp_path_factory):
    data = find_classification_data(root)
    work = tmp_path_factory.mktemp("work")
    write_index(data, work)
    lines = (work / "test.txt").read_text().splitlines()
    assert lines == ["test/ant/im 0.png 0", "test/cat/im 0.png 2", "test/cat/im 1.png 2"]
    with pytest.raises(DataError, match="lies inside the data"):
        write_index(data, root / "index")


@pytest.mark.parametrize("words", [("training_set", "test_set"), ("seg_train", "seg_test")])
def test_splits_by_other_names_are_no_classes(words, tmp_path):
    for shade, word in enumerate(words):
        fill(tmp_path / word, {"cat": 3, "dog": 3}, shade)
    with pytest.raises(DataError, match=r"looks like a split by another name.*train, val and test"):
        find_classification_data(tmp_path)
