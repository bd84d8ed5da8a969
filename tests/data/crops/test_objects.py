"""Crops of objects against numpy's own slicing and padding."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from msa_backbone.data.crops.objects import make_crops
from msa_backbone.errors import DataError

BOXES = {  # image: (category, box, crowd)
    1: [(1, [10, 8, 12, 6], 0), (2, [0, 0, 9, 20], 0), (1, [30, 30, 4, 4], 0)],
    2: [(1, [5, 5, 30, 10], 0), (2, [8, 8, 12, 12], 1), (2, [20, 10, 16, 16], 0)],
}


@pytest.fixture
def root(tmp_path) -> Path:
    folder = tmp_path / "data"
    random = np.random.default_rng(0)
    for split in ("train", "val"):
        (folder / split).mkdir(parents=True)
        annotations, images = [], []
        for number, objects in BOXES.items():
            image = random.integers(0, 255, (40, 50, 3), np.uint8)
            Image.fromarray(image).save(folder / split / f"{number}.png")
            images.append({"id": number, "file_name": f"{number}.png", "width": 50, "height": 40})
            for category, box, crowd in objects:
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": number,
                        "category_id": category,
                        "bbox": box,
                        "area": box[2] * box[3],
                        "iscrowd": crowd,
                    }
                )
        categories = [{"id": 1, "name": "cell"}, {"id": 2, "name": "a/b"}]
        content = {"images": images, "annotations": annotations, "categories": categories}
        file = folder / "annotations" / f"instances_{split}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
    return folder


def change(root: Path, split: str, edit) -> None:
    file = root / "annotations" / f"instances_{split}.json"
    content = json.loads(file.read_text())
    edit(content)
    file.write_text(json.dumps(content))


def test_a_crop_is_the_square_around_its_box(root, tmp_path):
    counts, left_out = make_crops(root, tmp_path / "out", size=24, context=2.0)
    assert counts == {"train": {"cell": 2, "a/b": 2}, "val": {"cell": 2, "a/b": 2}}
    of_each = {"crowd": 1, "smaller than 8 pixels or without area": 1}
    assert left_out == {"train": of_each, "val": of_each}
    image = np.asarray(Image.open(root / "train/1.png"))
    padded = np.pad(image, ((60, 60), (60, 60), (0, 0)), mode="reflect")
    # 12 x 6 around (16, 11): 24 pixels a side, from 4 and -1 on, written as they are
    expected = padded[60 - 1 : 60 + 23, 60 + 4 : 60 + 28]
    written = np.asarray(Image.open(tmp_path / "out/train/cell/1_0.png"))
    assert np.array_equal(written, expected)
    # 9 x 20 around (4.5, 10): 40 pixels a side, from -16 and -10 on, shrunk by averaging
    square = padded[60 - 10 : 60 + 30, 60 - 16 : 60 + 24]
    expected = Image.fromarray(square).resize((24, 24), Image.Resampling.BOX)
    written = Image.open(tmp_path / "out/train/a_b/1_1.png")
    assert np.array_equal(np.asarray(written), np.asarray(expected))


def test_small_objects_crowds_and_other_classes_are_left_out(root, tmp_path):
    counts, _ = make_crops(root, tmp_path / "few", min_side=20, classes=["cell"])
    assert counts["train"] == {"cell": 1}
    assert [f.name for f in (tmp_path / "few/train").rglob("*.png")] == ["2_0.png"]
    assert make_crops(root, tmp_path / "tiny", min_side=4)[0]["train"] == {"cell": 3, "a/b": 2}


def test_a_box_is_what_lies_in_the_image(root, tmp_path):
    def beyond(content):
        content["annotations"][0]["bbox"] = [40, 30, 1e7, 1e7]

    change(root, "train", beyond)
    make_crops(root, tmp_path / "out", size=10)
    written = np.asarray(Image.open(tmp_path / "out/train/cell/1_0.png"))
    assert np.array_equal(written, np.asarray(Image.open(root / "train/1.png"))[30:, 40:])


def test_names_make_files_of_their_own(root, tmp_path):
    """Images of one name in two folders, and classes whose names are no folder's or the same."""

    def rename(content):
        for category, name in zip(content["categories"], ("..", "A_B"), strict=True):
            category["name"] = name
        content["categories"].append({"id": 3, "name": "a/b"})
        content["annotations"][1]["category_id"] = 3
        content["images"][1]["file_name"] = "more/1.png"

    for split in ("train", "val"):
        (root / split / "more").mkdir()
        (root / split / "2.png").rename(root / split / "more/1.png")
        change(root, split, rename)
    make_crops(root, tmp_path / "out", min_side=4)
    own = {"_/1_0.png", "a_b-2/1_1.png", "_/1_2.png", "_/more_1_0.png", "A_B/more_1_1.png"}
    others = {f"../val/{name}" for name in own}
    written = {os.path.relpath(f, tmp_path / "out/train") for f in tmp_path.glob("out/**/*.png")}
    assert written == own | others


def test_a_seed_draws_the_same_objects(root, tmp_path):
    drawn = []
    for name, seed in enumerate((0, 0, 1, 2, 3, 4)):
        out = tmp_path / str(name)
        counts, left_out = make_crops(root, out, max_per_class=1, min_side=1, seed=seed)
        assert counts["train"] == {"cell": 1, "a/b": 1}
        assert left_out["train"] == {"crowd": 1, "beyond 1 of a class": 3}
        drawn.append({f.read_bytes() for f in (out / "train").rglob("*.png")})
    assert drawn[0] == drawn[1] and any(own != drawn[0] for own in drawn[2:])


@pytest.mark.parametrize("name", ["size", "context", "max_per_class"])
def test_numbers_that_are_not_positive_are_named(root, tmp_path, name):
    with pytest.raises(ValueError, match=f"{name}=0: give more than 0"):
        make_crops(root, tmp_path / "out", **{name: 0})


def spoil_box(root: Path) -> None:
    change(root, "val", lambda content: content["annotations"][0].update(bbox=[1, 2, 3]))


def spoil_image(root: Path) -> None:
    file = root / "val/2.png"
    file.write_bytes(file.read_bytes()[:2000])


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (spoil_box, r"annotation 1 \[1, 2, 3\]: box is not four finite numbers"),
        (spoil_image, r"val/2\.png .*: unreadable image; replace the file"),
        (lambda root: (root / "val/1.png").unlink(), r"val/1\.png: missing image"),
    ],
)
def test_spoilt_data_are_named_and_nothing_is_written(root, tmp_path, spoil, expected):
    spoil(root)
    with pytest.raises(DataError, match=expected):
        make_crops(root, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_without_an_object_nothing_is_written(root, tmp_path):
    with pytest.raises(DataError, match="no training object is as large as 99"):
        make_crops(root, tmp_path / "out", min_side=99)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_folder_that_is_there_is_kept(root, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(DataError, match="is there already"):
        make_crops(root, tmp_path / "out")
