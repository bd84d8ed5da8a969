"""Mosaics and their like on five channels: both cameras alike, the boxes as with three."""

import random

import numpy as np
import pytest
from mmengine.registry import DATASETS, TRANSFORMS, DefaultScope

import msa_backbone  # noqa: F401  (registers)

from .pairs import MODALITIES, write_coco, write_index_masks


def coco(root, load) -> dict:
    return {
        "type": "CocoDataset",
        "ann_file": str(write_coco(root, ("a", "b", "c"))),
        "data_prefix": {"img": str(root / "visible")},
        "metainfo": {"classes": ("thing",)},
        "pipeline": [load, {"type": "LoadAnnotations", "with_bbox": True}],
    }


LOAD = {"type": "LoadModalities", "modalities": MODALITIES}
THREE = {
    "mosaic": {"type": "Mosaic", "img_scale": (50, 40)},
    "mixup": {"type": "MixUp", "img_scale": (50, 40)},
    "affine": {"type": "RandomAffine", "border": (-4, -4)},
    "expand": {"type": "Expand", "prob": 1.0},
    "cutout": {"type": "CutOut", "n_holes": 3, "cutout_shape": (5, 5)},
    "pad": {"type": "Pad", "size": (80, 70), "pad_val": {"img": (1, 2, 3)}},
}


@pytest.fixture
def mmdet_scope():
    pytest.importorskip("mmdet.datasets")
    with DefaultScope.overwrite_default_scope("mmdet"):
        yield


def test_values_that_would_be_cut_to_eight_bits_are_refused(mmdet_scope):
    """mmdet's MixUp would make 16 of a depth of 10,000 mm."""
    boxes = pytest.importorskip("mmdet.structures.bbox").HorizontalBoxes(
        np.array([[5, 5, 30, 30.0]])
    )
    depth = np.full((40, 50, 4), 10_000, np.float32)
    sample = {
        "img": depth,
        "img_shape": (40, 50),
        "gt_bboxes": boxes,
        "gt_bboxes_labels": np.array([0]),
        "gt_ignore_flags": np.array([False]),
    }
    step = TRANSFORMS.build({"type": "ThreeChannelsAtATime", "transform": THREE["mixup"]})
    with pytest.raises(ValueError, match="MixUp cuts values down to 8 bits: leave it out"):
        step({**sample, "mix_results": [dict(sample)]})
    # Colours that an earlier step made brighter than 255 are of 8 bits all the same.
    sample |= {"img": np.full((40, 50, 4), 300, np.float32), "modalities": {"a": slice(0, 4)}}
    bright = {**sample, "eight_bits": ("a",)}
    assert step({**bright, "mix_results": [dict(bright)]})["img"].dtype == np.uint8
    with pytest.raises(ValueError, match="MixUp cuts values down"):
        step({**sample, "eight_bits": (), "mix_results": [dict(sample)]})


@pytest.mark.parametrize("name", THREE)
def test_mmdet_on_more_channels(name, tmp_path, mmdet_scope):
    """The visible camera and the boxes as with the visible camera alone; infrared moves along."""

    def mixed(load: dict, step: dict) -> list[dict]:
        dataset = DATASETS.build(
            {"type": "MultiImageMixDataset", "dataset": coco(tmp_path, load), "pipeline": [step]}
        )
        random.seed(1)
        np.random.seed(1)
        return [dataset[i] for i in range(3)]

    alone = mixed({"type": "LoadImageFromFile"}, THREE[name])
    pairs = mixed(LOAD, {"type": "ThreeChannelsAtATime", "transform": THREE[name]})
    for one, pair in zip(alone, pairs, strict=True):
        np.testing.assert_array_equal(pair["img"][..., :3], one["img"])
        np.testing.assert_array_equal(pair["img"][..., :2], pair["img"][..., 3:])
        assert pair["img"].shape[2] == 5 and "mix_results" not in pair
        assert (pair["gt_bboxes"].tensor == one["gt_bboxes"].tensor).all()
        assert len(one["gt_bboxes"]) and pair["img_shape"] == one["img_shape"]


def test_mmseg_on_more_channels(tmp_path):
    pytest.importorskip("mmseg.datasets")
    write_index_masks(tmp_path)
    dataset = {
        "type": "BaseSegDataset",
        "data_root": str(tmp_path),
        "data_prefix": {"img_path": "visible", "seg_map_path": "masks"},
        "img_suffix": ".png",
        "metainfo": {"classes": ("ground", "thing"), "palette": [[0, 0, 0], [1, 1, 1]]},
        "pipeline": [LOAD, {"type": "LoadAnnotations"}],
    }
    mosaic = {"type": "RandomMosaic", "prob": 1.0, "img_scale": (40, 50)}
    step = {"type": "ThreeChannelsAtATime", "transform": mosaic}
    with DefaultScope.overwrite_default_scope("mmseg"):
        mixed = DATASETS.build(
            {"type": "MultiImageMixDataset", "dataset": dataset, "pipeline": [step]}
        )[0]
    assert mixed["img"].shape == (80, 100, 5) and mixed["gt_seg_map"].shape == (80, 100)
    np.testing.assert_array_equal(mixed["img"][..., :2], mixed["img"][..., 3:])
    assert mixed["gt_seg_map"].any()


def test_random_numbers_go_on(mmdet_scope):
    """Each call draws anew, and only once."""
    step = TRANSFORMS.build({"type": "ThreeChannelsAtATime", "transform": THREE["cutout"]})
    picture = np.ones((20, 30, 5), np.uint8)
    np.random.seed(0)
    first, second = (step({"img": picture})["img"] for _ in range(2))
    assert not np.array_equal(first, second) and picture.all()
    np.random.seed(0)
    inner = TRANSFORMS.build(THREE["cutout"])
    inner({"img": picture[..., :3].copy()})
    np.testing.assert_array_equal(second[..., :3], inner({"img": picture[..., :3].copy()})["img"])


def test_transforms_that_remember_pictures_are_refused(mmdet_scope):
    step = {"type": "ThreeChannelsAtATime", "transform": {"type": "CachedMosaic"}}
    with pytest.raises(ValueError, match="CachedMosaic keeps pictures of earlier calls"):
        TRANSFORMS.build(step)


def test_without_it_a_mosaic_of_pairs_fails(tmp_path, mmdet_scope):
    """It never makes mosaics of one camera only."""
    dataset = DATASETS.build(
        {
            "type": "MultiImageMixDataset",
            "dataset": coco(tmp_path, LOAD),
            "pipeline": [THREE["mosaic"]],
        }
    )
    with pytest.raises(ValueError, match="broadcast"):
        dataset[0]
