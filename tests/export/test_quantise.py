"""int8: what it costs is measured, and fewer parts are quantised where it is too much."""

import numpy as np
import onnx
import pytest
from exported_models import CLASSES, noise
from mmengine.logging import MMLogger
from mmengine.visualization import Visualizer
from PIL import Image

from msa_backbone.errors import DataError
from msa_backbone.export import quantise
from msa_backbone.export.quantise import quantise_for
from msa_backbone.export.runtime.predictor import RuntimePredictor


@pytest.fixture
def folders(tmp_path, exported):
    """Pictures in folders by the class that the exported classifier says."""
    predict = RuntimePredictor(exported("classifier"))
    for split in ("train", "val"):
        for name in CLASSES:  # no folder is empty
            (tmp_path / split / name).mkdir(parents=True)
            Image.fromarray(noise(64, 64)).save(tmp_path / split / name / "same.png")
        for number in range(12):
            picture = noise(90 + number, 130, number)
            label = CLASSES[predict(picture)["scores"].argmax()]
            Image.fromarray(picture).save(tmp_path / split / label / f"{number}.png")
    yield tmp_path
    for cls in (MMLogger, Visualizer, *Visualizer.__subclasses__()):
        cls._instance_dict.clear()


def layers(file) -> int:
    """Layers whose weights are whole numbers."""
    nodes = onnx.load(file).graph.node
    made_by = {output: node.op_type for node in nodes for output in node.output}
    found = [node for node in nodes if node.op_type in ("Conv", "Gemm")]
    return sum(made_by.get(node.input[1]) == "DequantizeLinear" for node in found)


@pytest.mark.slow
def test_the_loss_is_measured_and_told(trained, exported, folders, tmp_path, monkeypatch):
    monkeypatch.setattr(quantise, "MOST_LOSS", 100.0)  # what a net that nobody trained may lose
    model, file, out = trained("classifier"), exported("classifier"), tmp_path / "small.onnx"
    lines = quantise_for(model.cfg, file, out, str(folders), None)
    before, after, told = lines[-3:]
    assert before.startswith("float32: accuracy/top1 ")
    assert after.startswith(f"int8 of the whole model, {layers(out)} layers: accuracy/top1 ")
    assert told == "ranges from 17 pictures; the whole model is in int8"
    assert out.stat().st_size < 0.5 * file.stat().st_size
    whole, small = RuntimePredictor(file), RuntimePredictor(out)
    assert small.info == whole.info
    difference = small(noise(97, 131))["scores"] - whole(noise(97, 131))["scores"]
    assert 0 < abs(difference).max() < 0.1


@pytest.mark.slow
def test_parts_are_left_out_until_the_loss_is_small(
    trained, exported, folders, tmp_path, monkeypatch
):
    model, file, out = trained("classifier"), exported("classifier"), tmp_path / "small.onnx"
    scores = iter([80.0, 60.0, 78.9, 79.0])
    monkeypatch.setattr(quantise, "score_of", lambda cfg, name: ("top1", next(scores)))
    lines = quantise_for(model.cfg, file, out, str(folders), None)
    assert lines[-4].endswith(", -20.0") and lines[-3].endswith(", -1.1")
    assert lines[-2].endswith(", -1.0")
    assert lines[-1].endswith("the backbone's own convolutions is in int8")
    assert layers(out) == 13
    scores = iter([80.0, 60.0, 60.0, 60.0])
    with pytest.raises(
        DataError, match=r"int8 costs more than 1 point of top1 on .*: leave --int8"
    ):
        quantise_for(model.cfg, file, tmp_path / "none.onnx", str(folders), None)
    assert not (tmp_path / "none.onnx").exists()


@pytest.mark.parametrize("total", [1, 2, 64, 100, 127, 190, 205, 10_000])
def test_pictures_for_the_ranges_are_spread_over_all(total):
    numbers = quantise.spread_numbers(total)
    assert len(numbers) == len(set(numbers)) == min(total, 64)
    assert numbers[0] == 0 and numbers[-1] == total - 1
    gaps = np.diff(numbers)
    assert not len(gaps) or gaps.max() - gaps.min() <= 1
