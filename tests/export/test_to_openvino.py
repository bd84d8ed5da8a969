"""OpenVINO's files give what ONNX Runtime's do."""

import numpy as np
import pytest
import torch
from export_equality import compare_objects
from exported_models import noise
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

from msa_backbone.errors import DataError
from msa_backbone.export.runtime.predictor import RuntimePredictor
from msa_backbone.export.to_openvino import convert_to_openvino

pytest.importorskip("openvino")
SIZES = ((128, 160), (256, 320), (97, 160))


@pytest.fixture
def both(exported, tmp_path):
    def get(kind: str) -> tuple[RuntimePredictor, RuntimePredictor]:
        onnx = RuntimePredictor(exported(kind))
        convert_to_openvino(exported(kind), onnx.info, tmp_path / "model.xml")
        return onnx, RuntimePredictor(tmp_path / "model.xml")

    return get


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["faster-rcnn", "single-level", "mask-rcnn", "retinanet"])
def test_objects(kind, both):
    onnx, openvino = both(kind)
    assert openvino.info == onnx.info
    for number, size in enumerate(SIZES):
        picture = noise(*size, seed=number)
        expected, found = onnx(picture), openvino(picture)
        tensors = {name: torch.from_numpy(values) for name, values in expected.items()}
        sample = DetDataSample(pred_instances=InstanceData(bboxes=tensors.pop("boxes"), **tensors))
        difference = compare_objects(sample, found, onnx.info.score_thr)
        assert difference.matched >= 20 and difference.alone == 0
        assert difference.boxes < 0.5 and difference.scores < 0.01 and difference.masks > 0.99


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "output"), [("unet", "logits"), ("classifier", "scores")])
def test_dense_outputs(kind, output, both):
    onnx, openvino = both(kind)
    for number, size in enumerate(SIZES):
        picture = noise(*size, seed=number)
        assert np.allclose(openvino(picture)[output], onnx(picture)[output], atol=1e-3)


@pytest.mark.slow
def test_files_that_cannot_be_read(both, tmp_path):
    both("classifier")
    (tmp_path / "model.bin").unlink()
    with pytest.raises(DataError, match=r"model.xml is no OpenVINO model with its .bin"):
        RuntimePredictor(tmp_path / "model.xml")
    with pytest.raises(DataError, match=r"model.pt: give a file that ends in .onnx or .xml"):
        RuntimePredictor(tmp_path / "model.pt")
