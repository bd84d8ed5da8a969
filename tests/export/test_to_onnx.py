"""An exported file gives what the toolbox gives, for every kind of model."""

import numpy as np
import onnx
import pytest
from export_equality import compare_objects
from exported_models import CLASSES, noise

from msa_backbone.errors import DataError
from msa_backbone.export.runtime.predictor import RuntimePredictor
from msa_backbone.export.to_onnx import export_onnx
from msa_backbone.files.images import read_image

SIZES = ((128, 160), (97, 131), (60, 299))  # in turn: the file takes any size
DETECTORS = ("faster-rcnn", "single-level", "mask-rcnn", "retinanet")


def eager(predictor, picture):
    (sample,) = predictor([picture], ["picture"])
    return sample


@pytest.mark.slow
@pytest.mark.parametrize("kind", DETECTORS)
def test_detectors_give_the_same_objects(kind, trained, exported):
    predictor, runtime = trained(kind).predictor(), RuntimePredictor(exported(kind))
    for number, size in enumerate(SIZES):
        picture = noise(*size, seed=number)
        found = runtime(picture)
        difference = compare_objects(eager(predictor, picture), found, runtime.info.score_thr)
        assert difference.matched >= 20
        assert difference.alone == 0
        assert difference.boxes < 0.01 and difference.scores < 1e-4
        assert difference.masks > 0.99
        assert np.all(np.diff(found["scores"]) <= 0)
        assert ("masks" in found) == (kind == "mask-rcnn")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unet", "fcn"])
def test_segmenters_give_the_same_logits(kind, trained, exported):
    predictor, runtime = trained(kind).predictor(), RuntimePredictor(exported(kind))
    for number, size in enumerate(SIZES):
        picture = noise(*size, seed=number)
        sample, found = eager(predictor, picture), runtime(picture)
        logits = sample.seg_logits.data.numpy()
        assert logits.shape == (len(CLASSES), *size) and logits.std() > 0.1
        assert np.abs(found["logits"] - logits).max() < 1e-3
        same = found["classes"] == sample.pred_sem_seg.data[0].numpy()
        assert same.mean() > 0.999 and len(np.unique(found["classes"])) > 1


@pytest.mark.slow
def test_classifiers_give_the_same_scores(trained, exported):
    predictor = trained("classifier").predictor()
    runtime = RuntimePredictor(exported("classifier"))
    for number, size in enumerate((*SIZES, (50, 40))):  # the last is smaller than the crop
        picture = noise(*size, seed=number)
        scores = eager(predictor, picture).pred_score.numpy()
        found = runtime(picture)
        assert np.abs(found["scores"] - scores).max() < 1e-4
        assert scores.max() - scores.min() > 0.05
        assert np.allclose(found["scores"].sum(), 1, atol=1e-5)


@pytest.mark.slow
def test_pictures_in_a_batch_are_as_one_by_one(exported):
    import onnxruntime

    file = exported("unet")
    session = onnxruntime.InferenceSession(str(file))
    pictures = np.stack([noise(97, 131, seed) for seed in range(3)])
    _, logits = session.run(None, {"picture": pictures})
    for picture, of_batch in zip(pictures, logits, strict=True):
        assert np.allclose(RuntimePredictor(file)(picture)["logits"], of_batch, atol=1e-4)


@pytest.mark.slow
def test_nothing_is_found(trained, tmp_path):
    model = trained("mask-rcnn")
    cfg = model.cfg()
    cfg.model.test_cfg.rcnn.score_thr = 1.0
    export_onnx(cfg, str(model.checkpoint), tmp_path / "blind.onnx")
    found = RuntimePredictor(tmp_path / "blind.onnx")(noise(97, 131))
    assert {name: values.shape for name, values in found.items()} == {
        "boxes": (0, 4),
        "scores": (0,),
        "labels": (0,),
        "masks": (0, 97, 131),
    }


@pytest.mark.slow
def test_a_file_for_one_size(trained, exported, tmp_path):
    model = trained("fcn")
    file = tmp_path / "fixed.onnx"
    export_onnx(model.cfg(), str(model.checkpoint), file, size=(97, 131))
    fixed, picture = RuntimePredictor(file), noise(97, 131)
    expected = RuntimePredictor(exported("fcn"))(picture)["logits"]
    assert np.allclose(fixed(picture)["logits"], expected, atol=1e-4)
    with pytest.raises(DataError, match=r"130 x 97 pixels: .* exported for 131 x 97; export it"):
        fixed(noise(97, 130))


@pytest.mark.slow
def test_the_file_tells_what_it_is(exported):
    file = exported("mask-rcnn")
    onnx.checker.check_model(str(file), full_check=True)
    info = RuntimePredictor(file).info
    assert info.task == "instance segmentation" and info.classes == CLASSES
    assert (info.score_thr, info.mask_thr) == (0.05, 0.5)
    assert (info.model, info.config) == ("MaskRCNN", "mask-rcnn")
    assert info.input == "RGB, uint8, (N, height, width, 3)"
    assert len(info.palette) == len(CLASSES)
    (given,) = onnx.load(file).graph.input
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (np.zeros((8, 8), np.uint8), r"shape \(8, 8\) and uint8: .* takes RGB, uint8"),
        (np.zeros((8, 8, 4), np.uint8), r"shape \(8, 8, 4\)"),
        (np.zeros((8, 8, 3), np.float32), "and float32"),
    ],
)
@pytest.mark.slow
def test_other_arrays_are_refused(picture, reason, exported):
    with pytest.raises(DataError, match=reason):
        RuntimePredictor(exported("unet"))(picture)


def check_photos(kind: str, files: list, trained, exported) -> None:
    """The same on real pictures of the sizes they have, and on odd cuts of them."""
    predictor, runtime = trained(kind).predictor(), RuntimePredictor(exported(kind))
    for number, file in enumerate(files):
        picture = read_image(file)[number % 3 :, : -1 - 37 * (number % 2)]
        picture = np.ascontiguousarray(picture)
        sample, found = eager(predictor, picture), runtime(picture)
        if "boxes" not in found:
            assert np.abs(found["logits"] - sample.seg_logits.data.numpy()).max() < 1e-3
            continue
        difference = compare_objects(sample, found, runtime.info.score_thr + 0.01)
        assert difference.matched > 0 and difference.alone == 0
        assert difference.boxes < 0.5 and difference.scores < 0.01 and difference.masks > 0.99


@pytest.mark.slow
def test_photos_of_blood_cells(bccd, trained, exported):
    files = sorted(bccd.glob("VOC2007/JPEGImages/*.jpg"))[:7]
    check_photos("faster-rcnn", files, trained, exported)


@pytest.mark.slow
def test_photos_of_coco(coco128, trained, exported):
    files = sorted(coco128.glob("images/*.jpg"))[:7]
    check_photos("mask-rcnn", files, trained, exported)


@pytest.mark.slow
def test_photos_of_streets(camvid, trained, exported):
    check_photos("unet", sorted(camvid.glob("images/test/*"))[:6], trained, exported)
