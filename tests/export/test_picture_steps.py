"""Pictures in the graph against OpenCV and mmcv, value by value."""

from pathlib import Path

import mmcv
import numpy as np
import onnx_ir as ir
import onnxruntime
import pytest
from exported_models import noise
from mmengine.config import Config
from mmengine.model import ImgDataPreprocessor

from msa_backbone.errors import DataError
from msa_backbone.export.picture_graph import take_pictures
from msa_backbone.export.picture_steps import RESIZING, Camera, PictureSteps, picture_steps

PLAIN = PictureSteps((), (Camera(),), divisor=1, pad_value=0.0)
SIZES = ((48, 64), (97, 131), (60, 299), (131, 33))


def prepare(steps: PictureSteps):
    """A function from an RGB picture to the network's input and both sizes."""
    float_ = ir.DataType.FLOAT
    shapes = (("x", (None, 3, None, None)), ("resized", (2,)), ("original", (2,)))
    inputs = [ir.val(name, dtype=float_, shape=shape) for name, shape in shapes]
    tape = ir.tape.Tape()
    outputs = [tape.op("Identity", [value]) for value in inputs]
    for output, (name, shape) in zip(outputs, shapes, strict=True):
        output.name, output.dtype, output.shape = f"{name}_out", float_, ir.Shape(shape)
    graph = ir.Graph(inputs, outputs, nodes=tape.nodes, opset_imports={"": 20}, name="network")
    model = ir.Model(graph, ir_version=10)
    take_pictures(model, steps, "batch", None)
    session = onnxruntime.InferenceSession(ir.to_proto(model).SerializeToString())

    def run(picture):
        x, resized, original = session.run(None, {"picture": picture[None]})
        return x[0].transpose(1, 2, 0), resized.tolist(), original.tolist()

    return run


def steps(*resizing: dict, **others: object) -> PictureSteps:
    return PictureSteps(**{**vars(PLAIN), "resizing": resizing, **others})


@pytest.mark.parametrize("scale", [(320, 240), (64, 64), (50, 200), (24, 32)])
def test_resizing_that_keeps_the_ratio_is_mmcv_s(scale):
    run = prepare(steps({"type": "Resize", "scale": scale, "keep_ratio": True}))
    for size in SIZES:
        picture = noise(*size)
        expected = mmcv.imrescale(picture[..., ::-1], scale)
        x, resized, original = run(picture)
        assert np.array_equal(x, expected)
        assert (resized, original) == (list(expected.shape[:2]), list(size))


def test_resizing_to_a_size_is_opencv_s():
    run = prepare(steps({"type": "Resize", "scale": (70, 90)}))
    for size in SIZES:
        picture = noise(*size)
        expected = mmcv.imresize(picture[..., ::-1], (70, 90), backend="cv2")
        assert np.array_equal(run(picture)[0], expected)


@pytest.mark.parametrize("scale", [(320, 240), (50, 200), (24, 32)])
def test_float32_is_resized_as_opencv_does(scale):
    resize = {"type": "Resize", "scale": scale, "keep_ratio": True}
    run = prepare(steps(resize, dtype="float32"))
    for seed, size in enumerate(SIZES):
        picture = 9000 * np.random.default_rng(seed).random((*size, 3), np.float32) - 300
        expected = mmcv.imrescale(picture[..., ::-1], scale)
        assert np.abs(run(picture)[0] - expected).max() < 0.2  # of 9,000: float32, and positions


@pytest.mark.parametrize("edge", ["short", "long", "width", "height"])
def test_an_edge_then_the_middle(edge):
    from mmpretrain.datasets.transforms import CenterCrop, ResizeEdge

    resize, crop = {"scale": 53, "edge": edge}, {"crop_size": (40, 31)}
    run = prepare(steps({"type": "ResizeEdge", **resize}, {"type": "CenterCrop", **crop}))
    for size in SIZES:
        picture = noise(*size)
        bgr = {"img": picture[..., ::-1]}
        expected = CenterCrop(**crop).transform(ResizeEdge(**resize).transform(bgr))["img"]
        assert np.array_equal(run(picture)[0], expected)


def test_normalising_order_and_padding():
    mean, std = (10.0, 20.0, 30.0), (2.0, 4.0, 8.0)
    camera = Camera(mean=mean, std=std, rgb=True)
    others = {"cameras": (camera,), "divisor": 32, "pad_value": 7.0}
    picture = noise(48, 65)
    x, resized, original = prepare(steps(**others))(picture)
    assert x.shape == (64, 96, 3) and resized == original == [48, 65]
    assert np.allclose(x[:48, :65], (picture - np.array(mean)) / std, atol=1e-5)
    assert (x[48:] == 7).all() and (x[:, 65:] == 7).all()


def test_sides_that_fit_are_not_padded():
    assert prepare(steps(divisor=16))(noise(48, 64))[0].shape == (48, 64, 3)


@pytest.mark.parametrize(
    ("step", "reason", "mend"),
    [
        ({"type": "Resize", "scale": (8, 8), "backend": "pillow"}, "Resize with backend", "use Re"),
        ({"type": "Resize", "scale_factor": 0.5}, "Resize with scale_factor", "use Resize, Re"),
        ({"type": "LoadImageFromFile", "to_float32": True}, "LoadImage.* to_float32", "leave them"),
        ({"type": "RandomFlip", "prob": 0.5}, "RandomFlip", "use Resize, ResizeEdge, CenterCrop"),
    ],
)
def test_other_steps_are_refused_by_name(step, reason, mend):
    pipeline = [{"type": "LoadImageFromFile"}, step, {"type": "PackDetInputs"}]
    cfg = Config({"test_dataloader": {"dataset": {"pipeline": pipeline}}})
    with pytest.raises(DataError, match=f"has {reason}.*, which cannot be exported: {mend}"):
        picture_steps(cfg, None)


@pytest.mark.parametrize("scope", ["mmdet", "mmseg", "mmpretrain"])
def test_the_toolboxes_own_data_are_exported(scope):
    base = {
        "mmdet": "_base_/datasets/coco_detection.py",
        "mmseg": "_base_/datasets/cityscapes.py",
        "mmpretrain": "_base_/datasets/imagenet_bs32.py",
    }
    folder = Path(pytest.importorskip(scope).__file__).parent
    cfg = Config.fromfile(folder / ".mim/configs" / base[scope])
    (resizing, *_) = picture_steps(cfg, ImgDataPreprocessor()).resizing
    assert resizing.type in RESIZING
