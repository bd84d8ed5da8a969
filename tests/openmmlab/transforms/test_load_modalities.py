"""Pairs through the real pipelines of mmdet and mmseg: every step moves both cameras alike."""

import cv2
import numpy as np
import pytest
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope

import msa_backbone  # noqa: F401  (registers)
from msa_backbone.errors import DataError

from .pairs import (
    BOX,
    HEIGHT,
    MODALITIES,
    WIDTH,
    write_coco,
    write_index_masks,
    write_pair,
)

LOAD = {"type": "LoadModalities", "modalities": MODALITIES}


@pytest.fixture
def scope(request):
    name = getattr(request, "param", "mmdet")
    pytest.importorskip(name)
    __import__(f"{name}.datasets.transforms")
    with DefaultScope.overwrite_default_scope(name):
        yield name


def test_what_is_loaded(tmp_path, scope):
    results = TRANSFORMS.build(LOAD)({"img_path": str(write_pair(tmp_path))})
    assert results["img"].shape == (HEIGHT, WIDTH, 5) and results["img"].dtype == np.uint8
    assert results["img_shape"] == results["ori_shape"] == (HEIGHT, WIDTH)
    assert results["modalities"] == {"visible": slice(0, 3), "infrared": slice(3, 5)}
    assert results["img"][7, 11].tolist() == [11, 7, 5 + 3, 11, 7]
    assert results["eight_bits"] == ("visible", "infrared")


def test_which_cameras_have_eight_bits_is_kept(tmp_path, scope):
    """Beside the degrees of a thermal camera all values are float32."""
    path = write_pair(tmp_path)
    x, y = np.load(tmp_path / "infrared/a.npy").transpose(2, 0, 1)
    np.save(tmp_path / "infrared/a.npy", np.stack([x + 0.5, y], axis=2).astype(np.float32))
    results = TRANSFORMS.build(LOAD)({"img_path": str(path)})
    assert results["img"].dtype == np.float32 and results["eight_bits"] == ("visible",)


def test_a_missing_partner_stops_the_loading(tmp_path, scope):
    path = write_pair(tmp_path)
    (tmp_path / "infrared/a.npy").unlink()
    with pytest.raises(DataError, match=r"visible/a\.png: no infrared file"):
        TRANSFORMS.build(LOAD)({"img_path": str(path)})


def test_an_absent_modality_is_zeros_and_its_file_is_not_read(tmp_path, scope):
    path = write_pair(tmp_path)
    both = TRANSFORMS.build(LOAD)({"img_path": str(path)})
    (tmp_path / "infrared/a.npy").unlink()
    one = TRANSFORMS.build({**LOAD, "absent": ["infrared"]})({"img_path": str(path)})
    assert np.array_equal(one["img"][..., :3], both["img"][..., :3])
    assert one["img"].shape == both["img"].shape and not one["img"][..., 3:].any()
    assert one["modalities"] == both["modalities"]
    with pytest.raises(ValueError, match="modality 'depth' is unknown: choose from visible, infr"):
        TRANSFORMS.build({**LOAD, "absent": ["depth"]})


GEOMETRY = {
    "flip": [{"type": "RandomFlip", "prob": 1.0}],
    "both flips": [{"type": "RandomFlip", "prob": 1.0, "direction": "diagonal"}],
    "resize": [{"type": "Resize", "scale": (96, 72)}],
    "multi-scale": [
        {"type": "RandomChoiceResize", "scales": [(80, 60), (112, 84)], "keep_ratio": True}
    ],
    "all": [
        {"type": "RandomResize", "scale": (64, 48), "ratio_range": (0.8, 1.6), "keep_ratio": True},
        {"type": "RandomCrop", "crop_size": (36, 40)},
        {"type": "RandomFlip", "prob": 0.5},
    ],
}
ROTATIONS = {
    "mmdet": [{"type": "Rotate", "prob": 1.0, "level": 5, "img_border_value": 0}],
    "mmseg": [{"type": "RandomRotate", "prob": 1.0, "degree": 30}],
}


def assert_aligned(picture: np.ndarray, inside: np.ndarray, tolerance: float) -> None:
    """Both cameras agree everywhere; the mask is where the pixels say it is."""
    np.testing.assert_array_equal(picture[:2], picture[3:])
    x1, y1, x2, y2 = BOX
    x, y = picture[:2].astype(float)
    deep = (x > x1 + tolerance) & (x < x2 - 1 - tolerance)
    deep &= (y > y1 + tolerance) & (y < y2 - 1 - tolerance)
    near = (x > x1 - 1 - tolerance) & (x < x2 + tolerance)
    near &= (y > y1 - 1 - tolerance) & (y < y2 + tolerance)
    beyond = ((x == 0) & (y == 0)).astype(np.uint8)  # what turning filled, and mixed into its edge
    beyond[[0, -1]] = beyond[:, [0, -1]] = 1
    deep &= cv2.dilate(beyond, np.ones((5, 5))) == 0
    assert inside[deep].all() and not inside[~near].any()
    assert deep.sum() > 50  # something was compared


@pytest.mark.parametrize("steps", [*GEOMETRY.values(), ROTATIONS["mmdet"]], ids=[*GEOMETRY, "turn"])
@pytest.mark.parametrize("unknown", [False, True])
def test_pairs_with_boxes_and_masks_stay_aligned(steps, unknown, tmp_path, scope):
    """`unknown` makes the array float32, with a sixth channel."""
    modalities = (MODALITIES[0], {**MODALITIES[1], "unknown": unknown})
    dataset = DATASETS.build(
        {
            "type": "CocoDataset",
            "ann_file": str(write_coco(tmp_path)),
            "data_prefix": {"img": str(tmp_path / "visible")},
            "metainfo": {"classes": ("thing",)},
            "pipeline": [
                {**LOAD, "modalities": modalities},
                {"type": "LoadAnnotations", "with_bbox": True, "with_mask": True},
                *steps,
                {"type": "PackDetInputs"},
            ],
        }
    )
    for seed in range(5):
        np.random.seed(seed)
        packed = dataset[0]
        picture = packed["inputs"].numpy()
        instances = packed["data_samples"].gt_instances
        if len(instances) == 0:  # cropped away
            continue
        assert_aligned(picture[:5], instances.masks.masks[0] > 0, 1.5)
        if unknown:
            known = picture[5] >= 0.5
            assert known.mean() > 0.6
        if steps is ROTATIONS["mmdet"]:
            continue  # a turned box is looser than its content
        x1, y1, x2, y2 = instances.bboxes.tensor[0].round().int().tolist()
        box = picture[:2, y1:y2, x1:x2].astype(float)
        assert box[0].min() >= BOX[0] - 1.5 and box[0].max() <= BOX[2] + 0.5
        assert box[1].min() >= BOX[1] - 1.5 and box[1].max() <= BOX[3] + 0.5


@pytest.mark.parametrize("scope", ["mmseg"], indirect=True)
@pytest.mark.parametrize("steps", [*GEOMETRY.values(), ROTATIONS["mmseg"]], ids=[*GEOMETRY, "turn"])
def test_pairs_with_label_maps_stay_aligned(steps, tmp_path, scope):
    write_index_masks(tmp_path)
    dataset = DATASETS.build(
        {
            "type": "BaseSegDataset",
            "data_root": str(tmp_path),
            "data_prefix": {"img_path": "visible", "seg_map_path": "masks"},
            "img_suffix": ".png",
            "metainfo": {"classes": ("ground", "thing"), "palette": [[0, 0, 0], [1, 1, 1]]},
            "pipeline": [LOAD, {"type": "LoadAnnotations"}, *steps, {"type": "PackSegInputs"}],
        }
    )
    for seed in range(5):
        np.random.seed(seed)
        packed = dataset[0]
        labels = packed["data_samples"].gt_sem_seg.data[0].numpy()
        assert_aligned(packed["inputs"].numpy(), labels == 1, 1.5)


@pytest.mark.parametrize("direction", ["horizontal", "vertical", "diagonal"])
def test_sixteen_bits_survive_flips_and_crops(direction, tmp_path, scope):
    """The visible pixels tell which one of the depth file lies below them."""
    write_pair(tmp_path)
    depth = np.random.default_rng(0).integers(1, 2**16, (HEIGHT, WIDTH)).astype(np.uint16)
    (tmp_path / "depth").mkdir()
    cv2.imwrite(str(tmp_path / "depth/a.png"), depth)
    modalities = [MODALITIES[0], {"name": "depth", "channels": 1, "unknown": True}]
    steps = [
        {**LOAD, "modalities": modalities},
        {"type": "RandomFlip", "prob": 1.0, "direction": direction},
        {"type": "RandomCrop", "crop_size": (30, 20)},
        {"type": "PackDetInputs"},
    ]
    results = {"img_path": str(tmp_path / "visible/a.png")}
    results["gt_bboxes"] = np.array([[0, 0, WIDTH, HEIGHT]], np.float32)
    for step in steps:
        results = TRANSFORMS.build(step)(results)
    picture = results["inputs"].numpy()
    x, y = picture[:2].astype(int)
    np.testing.assert_array_equal(picture[3], depth[y, x])
    assert (picture[4] == 1).all()
    assert np.sign(np.diff(x[0])).tolist() == [1 if direction == "vertical" else -1] * 29
    assert np.sign(np.diff(y[:, 0])).tolist() == [1 if direction == "horizontal" else -1] * 19
