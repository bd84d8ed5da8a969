"""Splits that a folder holds are read, or refused by name: nothing of a test is trained on."""

import pytest
from data_folders import FOLDERS

from msa_backbone.data.classification.find import find_classification_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.hidden_splits import check_hidden_splits
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.split_names import split_in_name
from msa_backbone.errors import DataError

FINDERS = {
    "detection": find_detection_data,
    "segmentation": find_segmentation_data,
    "classification": find_classification_data,
}


@pytest.mark.parametrize(
    ("name", "split"),
    [
        *(("train", "train"), ("Training", "train"), ("TRAIN", "train"), ("trainset", "train")),
        *(("train2017", "train"), ("seg_train", "train"), ("ImagesTrain", "train")),
        *(("trainlist", "train"), ("learn", "train"), ("aeroplane_train", "train")),
        *(("validation", "val"), ("val2017", "val"), ("dev", "val"), ("part-eval", "val")),
        *(
            ("test_set", "test"),
            ("testimages", "test"),
            ("holdout", "test"),
            ("imagesTest", "test"),
        ),
        *(("test-dev2017", "test"), ("train_test", None), ("minival", "val"), ("validate", "val")),
        *(("trainval", None), ("train_val", None), ("station", None), ("valley", None)),
        *(("contest", None), ("devices", None), ("latest", None), ("", None), ("1", None)),
    ],
)
def test_the_split_that_a_name_speaks_of(name, split):
    assert split_in_name(name) == split


@pytest.mark.parametrize(
    "test_folder",
    ["images/test", "test", "part_test", "ImagesTest/a/b", "testset/testset", "cats/holdout"],
)
def test_folders_share_out_what_nothing_else_does(tmp_path, test_folder):
    train = [f"images/train/{n}.jpg" for n in range(3)]
    test = [f"{test_folder}/{n}.jpg" for n in range(2)]
    with pytest.raises(DataError, match=f"{test_folder}: looks like the test split.* 2 images"):
        check_hidden_splits(tmp_path, {"train": train + test})
    absolute = [str(tmp_path / path) for path in train + test]
    with pytest.raises(DataError, match=f"{test_folder}: looks like the test split"):
        check_hidden_splits(tmp_path, {"train": absolute})


@pytest.mark.parametrize(
    "folders",
    [("city", "test_track"), ("test_track",), ("train_station", "test_tube/a", "bus_stop")],
)
def test_a_folder_whose_name_means_something_else(tmp_path, folders):
    """The word of a split beside others is a split only beside another split."""
    images = [f"{folder}/{n}.jpg" for folder in folders for n in range(2)]
    (note,) = check_hidden_splits(tmp_path, {"train": images})
    assert note.startswith("train: 2 images lie in folders of val or test, first test_")


@pytest.mark.parametrize(
    "folders",
    [
        ("cats_train", "cats_test"),
        ("train", "cats_test"),
        ("a", "testing/test_rig"),
        ("training/cats_train", "training/cats_test"),
    ],
)
def test_folders_of_two_splits(tmp_path, folders):
    with pytest.raises(DataError, match=f"{folders[1]}: looks like the test split"):
        check_hidden_splits(tmp_path, {"train": [f"{folder}/0.jpg" for folder in folders]})


def test_images_of_train_that_lie_in_the_folder_of_test_alone(tmp_path):
    splits = {"train": ["images/test/0.jpg"], "val": ["images/val/1.jpg"]}
    with pytest.raises(DataError, match="images/test: looks like the test split, but all images"):
        check_hidden_splits(tmp_path, splits)


def test_what_is_shared_out_already_may_mix_folders(tmp_path):
    """COCO's trainval35k trains on a part of val2014."""
    splits = {"train": ["train2014/0.jpg", "val2014/1.jpg"], "val": ["val2014/2.jpg"]}
    (note,) = check_hidden_splits(tmp_path, splits)
    assert note == "train: 1 images lie in folders of val or test, first val2014"


@pytest.mark.parametrize(
    "folders", [("train", "train_2"), ("day", "night"), ("", "station_train"), ("images", "valley")]
)
def test_folders_that_share_nothing_out(tmp_path, folders):
    assert check_hidden_splits(tmp_path, {"train": [f"{f}/0.jpg" for f in folders]}) == []


IMAGES = {"train": ["a/0.jpg", "a/1.jpg", "a/photo 7.jpg"], "val": ["a/4.jpg", "a/5.jpg"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(
            ("test.txt", "1\n"),
            ("splits/test.txt", "0.jpg\n1.jpg\n"),
            ("testlist.lst", "a/1.jpg\n"),
        ),
        ("ImageSets/Main/holdout.list", "\n1\n"),
        ("test.txt", "/data/x/1.jpg\n"),
        ("test.txt", "C:\\x\\1.jpg\n"),
        ("cat_test.txt", "photo-1  -1\nphoto-9   1\n"),
        ("test.csv", 'image,label\n"1.jpg",cat\n'),
        ("test.csv", "id,file,label\n0,a/1.jpg,cat\n1,a/0.jpg,cat\n2,a/1.jpg,dog\n"),
        ("val.txt", "photo 7.jpg\n"),
        *(("test", "1.jpg\n"), ("test.txt", "\ufeff1.jpg\n"), ("test.txt", "A/PHOTO-1.JPG\n")),
        ("val.tsv", "1.jpg\tmasks/1.png\n"),
        ("val.csv", "photo 7.jpg,cat\n"),
        ("train.txt", "4\n5\n"),
    ],
)
def test_lists_that_say_otherwise_are_named(tmp_path, name, text):
    images = {**IMAGES, "train": [*IMAGES["train"], "a/photo-1.jpg"]}
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as refused:
        check_hidden_splits(tmp_path, images)
    message = str(refused.value)
    assert message.startswith(f"{tmp_path / name}: lists ") and "move the list away" in message
    assert "would go to " + ("val" if name == "train.txt" else "train") in message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("train.txt", "0\n1\n"), ("val.txt", "4.jpg\n5.jpg\n"), ("trainval.txt", "0\n4\n")),
        ("test.txt", "8\n9\n"),  # images that are not there
        ("test.txt", "cat\ndog\n"),
        ("train_log.csv", "epoch,loss\n4,0.51\n5,0.48\n"),
        ("val_scores.csv", "0,0.5\n1,0.25\n"),
        ("notes_test.md", "1\n"),
        ("test.txt", ""),
        ("test_results.csv", "image,score\n4.jpg,0.5\n5.jpg,0.25\n"),  # val's, called test's
        ("train_trainval.txt", "0 1\n1 -1\n4 1\n"),  # VOC's list of trains
        ("predictions_test.csv", "0.jpg,1\n1.jpg,1\nphoto 7.jpg,1\n4.jpg,1\n5.jpg,1\n"),
    ],
)
def test_other_files_are_left_alone(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert check_hidden_splits(tmp_path, IMAGES) == []


COLUMNS = "image,split\n0.jpg,train\n1.jpg,Test\n4.jpg,val\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("split.csv", COLUMNS), ("tables/all.tsv", COLUMNS.replace(",", "\t"))),
        ("data_split.txt", "0.jpg train\n1.jpg test\n"),
        ("split.csv", COLUMNS + "photo 7.jpg,train\n" * 500 + "0.jpg,test\n"),
        ("split.json", '{"train": ["0.jpg"], "test": ["a/1.jpg", "1"]}'),
        ("dataset.json", '{"images": [{"id": 1, "file_name": "1.jpg", "split": "test"}]}'),
        ("splits.yaml", "train:\n- 0.jpg\ntest:\n- 1.jpg\n2: [1.jpg]\n"),
        ("test_files.json", '["a/1.jpg"]'),
        ("dataset.json", '[{"phase": "valid", "image": {"path": "x/1.jpg"}}]'),
    ],
)
def test_the_split_of_every_image_in_a_table(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=r"lists \d images for (test|val) that would go to train"):
        check_hidden_splits(tmp_path, IMAGES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("split.csv", COLUMNS.replace("Test", "train")), ("boxes.csv", "1.jpg,train,1,2,3,4\n")),
        ("notes.txt", "1.jpg was taken in the test\nof Monday\nand another\nof Tuesday\n"),
        ("split.json", '{"train": ["0.jpg", "1.jpg"], "val": ["4.jpg"], "test": ["9.jpg"]}'),
        ("classes.json", '{"train": 1, "bus": 2}'),
        *(("deep.yaml", "[" * 10_000), ("bomb.yaml", "a: &a [1.jpg]\ntest: *a\n")),
        *(("broken.json", '{"test": ["1.jpg"'), ("deep.json", "[" * 100_000)),
        ("captions_test.json", '{"images": [{"file_name": "1.jpg"}]}'),
    ],
)
def test_tables_that_say_what_was_read_or_nothing(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert check_hidden_splits(tmp_path, IMAGES) == []


@pytest.mark.parametrize("name", ["test_results.csv", "predictions-test.txt", "testErrors.txt"])
def test_what_is_written_about_a_split_is_a_note(tmp_path, name):
    (tmp_path / name).write_text("0.jpg\n1.jpg\n")
    (note,) = check_hidden_splits(tmp_path, IMAGES)
    assert note == f"{tmp_path / name}: lists 2 images for test that would go to train, first 0"


def test_folds_are_notes(tmp_path):
    """Every image is scored on in one of the folds: none of them is the split."""
    stems = ["0", "1", "photo 7", "4", "5"]
    for fold in range(3):
        (tmp_path / f"fold{fold}_val.txt").write_text("\n".join(stems[fold::3]))
    assert len(check_hidden_splits(tmp_path, IMAGES)) == 3
    (tmp_path / "fold2_val.txt").unlink()
    with pytest.raises(DataError, match=r"fold0_val\.txt: lists 1 images for val"):
        check_hidden_splits(tmp_path, IMAGES)


def test_lists_of_windows(tmp_path):
    """PowerShell writes UTF-16."""
    (tmp_path / "test.txt").write_text("0.jpg\r\n", encoding="utf-16")
    with pytest.raises(DataError, match=r"test\.txt: lists 1 images for test"):
        check_hidden_splits(tmp_path, IMAGES)


def test_a_list_of_a_part_of_train(tmp_path):
    (tmp_path / "train.txt").write_text("0.jpg\n")
    (note,) = check_hidden_splits(tmp_path, {"train": IMAGES["train"]})
    assert note == f"{tmp_path}/train.txt: lists 1 images for train, and 3 are read for it"
    (tmp_path / "train.txt").write_text("0.jpg\n1.jpg\nphoto 7.jpg\n")
    assert check_hidden_splits(tmp_path, {"train": IMAGES["train"]}) == []


def test_an_image_of_the_same_name_in_another_split(tmp_path):
    """Competitions number the images of train and of an unlabelled test from 1."""
    (tmp_path / "test.csv").write_text("0.jpg\n1.jpg\n")
    (tmp_path / "test").mkdir()
    for name in ("0.jpg", "1.jpg"):
        (tmp_path / "test" / name).touch()
    assert check_hidden_splits(tmp_path, IMAGES) == []
    (tmp_path / "test/1.jpg").unlink()
    with pytest.raises(DataError, match=r"test\.csv: lists 1 images for test"):
        check_hidden_splits(tmp_path, IMAGES)


def test_lists_beside_a_folder_of_images(tmp_path):
    """Food-101 has images/CLASS/ and meta/test.txt: ROOT is images/ then."""
    root, meta = tmp_path / "images", tmp_path / "meta"
    root.mkdir()
    meta.mkdir()
    (meta / "test.txt").write_text("a/1\n")
    with pytest.raises(DataError, match=r"meta/test\.txt: lists 1 images for test"):
        check_hidden_splits(root, IMAGES)
    (tmp_path / "food").mkdir()
    assert check_hidden_splits(tmp_path / "food", IMAGES) == []


def test_images_called_by_the_words_of_splits(tmp_path):
    names = ["a/train_0.jpg", "train_1.jpg", "a/b/test-2.jpg"]
    (note,) = check_hidden_splits(tmp_path, {"train": names})
    assert "names begin with the words of splits (1 test, 2 train); all are read" in note
    assert check_hidden_splits(tmp_path, {"train": [*names, "0.jpg"]}) == []
    assert check_hidden_splits(tmp_path, {"train": names[:2]}) == []
    assert check_hidden_splits(tmp_path, {"train": names, "val": ["val_3.jpg"]}) == []


def test_iterations_are_no_images(tmp_path):
    (tmp_path / "val_log.csv").write_text("iteration,loss\n1000,0.5\n2000,0.25\n")
    assert check_hidden_splits(tmp_path, {"train": ["1000.jpg", "2000.jpg", "1.jpg"]}) == []


def test_voc_s_lists_of_other_tasks(tmp_path):
    for name in ("Main/train.txt", "Segmentation/train.txt", "Main/val.txt", "Main/cat_val.txt"):
        (tmp_path / "ImageSets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ImageSets" / name).write_text("0\n")
    assert check_hidden_splits(tmp_path, IMAGES) == []
    (tmp_path / "ImageSets/Segmentation/train.txt").unlink()
    with pytest.raises(DataError, match=r"cat_val\.txt: lists 1 images for val"):
        check_hidden_splits(tmp_path, IMAGES)


def test_the_labels_of_an_image_are_no_list(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/test_1.txt").write_text("0 0.5 0.5 0.1 0.1\n1\n")
    assert check_hidden_splits(tmp_path, {"train": ["0.jpg", "1.jpg", "test_1.jpg"]}) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_every_format_is_held_against_lists(name, tmp_path):
    task, write = FOLDERS[name]
    write(tmp_path)
    find = FINDERS[task]
    find(tmp_path)
    image = next(p for p in tmp_path.rglob("*image_0.*") if p.suffix in (".jpg", ".png"))
    (tmp_path / "holdout.lst").write_text(f"{image.name}\n")
    with pytest.raises(DataError, match=r"holdout\.lst: lists 1 images for test"):
        find(tmp_path)
