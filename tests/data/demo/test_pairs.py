import json
from collections import Counter

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("sklearn")

from msa_backbone.data.demo.pairs import SEEN_BY, SHARES, PairPainter, make_demo_pairs
from msa_backbone.data.demo.scenes import make_demo_data
from msa_backbone.files.modality_files import Modality, partner, read_stack

SMALL = {"num_train": 5, "num_val": 3, "image_size": 96}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return make_demo_pairs(tmp_path_factory.mktemp("pairs") / "data", **SMALL)


class KeepsBackgrounds(PairPainter):
    def background(self, photo, split):
        image, crop = super().background(photo, split)
        self.before = np.asarray(image.copy()), np.asarray(self.infrared.copy())
        return image, crop


def test_each_camera_sees_its_digits_and_no_other():
    """The background is left as it was where a digit is not seen, and only there."""
    painter, seen = KeepsBackgrounds(128, 0), Counter()
    for number in range(40):
        pair = painter.paint("train", number)
        assert len(pair.seen_by) == len(pair.digits)
        pictures = np.asarray(pair.image), np.asarray(pair.infrared)
        for k, camera in enumerate(pair.seen_by, 1):
            seen[camera] += 1
            inside = pair.owner == k
            for name, before, after in zip(
                ("visible", "infrared"), painter.before, pictures, strict=True
            ):
                changed = before[inside] != after[inside]
                if camera in (name, "both"):
                    assert changed.reshape(len(changed), -1).any(axis=1).mean() > 0.95
                else:
                    assert not changed.any()
        assert np.median(pictures[1][pair.owner == 0]) < 100
    total = seen.total()
    assert total > 120
    for camera, share in zip(SEEN_BY, SHARES, strict=True):
        assert seen[camera] / total == pytest.approx(share, abs=0.12)


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("form", ["coco", "segmentation"])
def test_pairs_are_found_and_fit(root, form, split):
    reference, infrared = Modality("visible", 3), Modality("infrared", 1)
    files = sorted((root / form / "visible" / split).iterdir())
    assert len(files) == SMALL[f"num_{split}"]
    assert len(list((root / form / "infrared" / split).iterdir())) == len(files)
    for file in files:
        stack = read_stack([file, partner(file, reference, infrared)], (reference, infrared))
        assert stack.shape == (96, 96, 4) and stack.dtype == np.uint8


def test_annotations_know_the_digits_of_both_cameras(root):
    content = json.loads((root / "coco/annotations/instances_train.json").read_text())
    labels = {image["id"]: set() for image in content["images"]}
    for annotation in content["annotations"]:
        labels[annotation["image_id"]].add(annotation["category_id"])
    assert len(content["images"]) == 5 and len(content["annotations"]) >= 10
    for image in content["images"]:
        assert (root / "coco/visible/train" / image["file_name"]).is_file()
        mask = Image.open(root / f"segmentation/masks/train/{image['id']:06d}.png")
        assert set(np.unique(mask)) - {0} == labels[image["id"]]


def test_same_arguments_same_files(root, tmp_path):
    assert make_demo_pairs(root, **SMALL) == root
    again = make_demo_pairs(tmp_path / "again", **SMALL)
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    assert len(files) == 2 * 2 * 8 + 8 + 4
    for file in files:
        assert (again / file).read_bytes() == (root / file).read_bytes()


def test_the_demo_data_of_one_camera_are_told_apart(root):
    with pytest.raises(FileExistsError, match="delete it or choose another folder"):
        make_demo_data(root, **SMALL)
