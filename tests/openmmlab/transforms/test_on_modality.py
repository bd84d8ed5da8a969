import random

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS, DefaultScope

import msa_backbone  # noqa: F401  (registers)
from msa_backbone.errors import DataError

CHANNELS = {"visible": slice(0, 3), "infrared": slice(3, 5)}
DISTORT = {"type": "PhotoMetricDistortion"}


def loaded(dtype: type = np.uint8, largest: int = 256) -> dict:
    img = np.random.default_rng(0).integers(0, largest, (6, 7, 5)).astype(dtype)
    known = {"modalities": CHANNELS, "eight_bits": ("visible",) if largest == 256 else ()}
    return {"img": img, "img_shape": (6, 7), "img_path": "a.png", **known}


@pytest.fixture(params=["mmdet", "mmseg"])
def scope(request):
    pytest.importorskip(request.param)
    __import__(f"{request.param}.datasets.transforms")
    with DefaultScope.overwrite_default_scope(request.param):
        yield request.param


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_only_the_chosen_modality_changes(dtype, scope):
    """Equal to the transform on the visible picture alone, as LoadImageFromFile gives it."""
    given, distorted = loaded(dtype), 0
    alone = {"img": given["img"][..., :3].astype(np.uint8), "img_shape": (6, 7)}
    for seed in range(8):
        np.random.seed(seed)
        expected = TRANSFORMS.build(DISTORT)({**alone, "img": alone["img"].copy()})["img"]
        np.random.seed(seed)
        img = TRANSFORMS.build({"type": "OnModality", "transforms": [DISTORT]})(dict(given))["img"]
        np.testing.assert_array_equal(img[..., :3], expected)
        np.testing.assert_array_equal(img[..., 3:], given["img"][..., 3:])
        distorted += not np.array_equal(img[..., :3], alone["img"])
    assert distorted > 4
    np.testing.assert_array_equal(given["img"], loaded(dtype)["img"])  # not changed in place


@TRANSFORMS.register_module(force=True)
class WritesItsSize:
    """As mmdet's Albu, which writes an equal `img_shape` and equal boxes anew."""

    def __init__(self, more: int = 0) -> None:
        self.more = more

    def __call__(self, results: dict) -> dict:
        height, width = results["img_shape"]
        boxes = results["gt_bboxes"].clone()
        shape = (height + self.more, width)
        return {**results, "img": results["img"] + 1, "img_shape": shape, "gt_bboxes": boxes}


def test_what_is_written_anew_and_equal_is_no_change():
    boxes = pytest.importorskip("mmdet.structures.bbox").HorizontalBoxes(np.array([[0.0, 0, 3, 4]]))
    given = {**loaded(largest=200), "gt_bboxes": boxes}
    img = TRANSFORMS.build({"type": "OnModality", "transforms": [{"type": "WritesItsSize"}]})(
        dict(given)
    )["img"]
    np.testing.assert_array_equal(img[..., :3], given["img"][..., :3] + 1)
    step = {"type": "OnModality", "transforms": [{"type": "WritesItsSize", "more": 1}]}
    with pytest.raises(ValueError, match="these change img_shape"):
        TRANSFORMS.build(step)(dict(given))


def test_another_modality_than_the_reference(scope):
    given = loaded()
    given["modalities"] = {"infrared": slice(0, 2), "visible": slice(2, 5)}
    step = {"type": "OnModality", "transforms": [DISTORT], "modality": "visible"}
    np.random.seed(1)
    img = TRANSFORMS.build(step)(dict(given))["img"]
    np.testing.assert_array_equal(img[..., :2], given["img"][..., :2])
    assert not np.array_equal(img[..., 2:], given["img"][..., 2:])


@pytest.mark.parametrize(
    ("inner", "match"),
    [
        ({"type": "RandomFlip", "prob": 0.0}, "change flip"),
        ({"type": "Resize", "scale": (9, 9)}, ""),
    ],
)
def test_geometry_is_refused(inner, match, scope):
    with pytest.raises(ValueError, match=f"{match}.*moves all modalities alike"):
        TRANSFORMS.build({"type": "OnModality", "transforms": [inner]})(loaded())


def test_what_was_not_loaded(scope):
    step = TRANSFORMS.build({"type": "OnModality", "transforms": [DISTORT], "modality": "depth"})
    with pytest.raises(ValueError, match=r"'depth' is none of \['visible', 'infrared'\]"):
        step(loaded())
    with pytest.raises(ValueError, match="none of"):
        TRANSFORMS.build({"type": "OnModality", "transforms": [DISTORT]})({"img": loaded()["img"]})


def test_more_than_eight_bits(scope):
    random.seed(0)
    step = TRANSFORMS.build({"type": "OnModality", "transforms": [DISTORT]})
    with pytest.raises(DataError, match=r"a\.png: visible has more than 8 bits"):
        step(loaded(np.float32, 2**16))


def test_what_an_earlier_step_made_brighter_is_cut_to_eight_bits():
    """mmdet's own transform returns values up to 430, and bicubic resizing goes beyond as well."""
    pytest.importorskip("mmdet.datasets.transforms")
    bright = {"type": "mmdet.PhotoMetricDistortion"}
    step, most = TRANSFORMS.build({"type": "OnModality", "transforms": [bright]}), 0

    def seeded(seed: int, results: dict) -> dict:
        np.random.seed(seed)
        return step(dict(results))

    for seed in range(20):
        once = seeded(seed, loaded())
        most = max(most, once["img"].max())
        cut = np.rint(once["img"]).clip(0, 255).astype(np.uint8)
        expected = seeded(seed, {**once, "img": cut})["img"]
        np.testing.assert_array_equal(seeded(seed, once)["img"], expected)
    assert most > 300
