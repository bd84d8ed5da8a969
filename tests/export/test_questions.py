"""A file that answers questions gives the same probabilities, for any number of words."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from exported_models import noise
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

pytest.importorskip("tokenizers")

from msa_backbone.config.load import load_config
from msa_backbone.errors import DataError
from msa_backbone.export.models.answerer import pooled
from msa_backbone.export.models.build import as_tensor_function
from msa_backbone.export.runtime.predictor import RuntimePredictor
from msa_backbone.export.runtime.words import tokens_of
from msa_backbone.export.to_onnx import export_onnx
from msa_backbone.export.to_openvino import convert_to_openvino
from msa_backbone.inference.predictor import Predictor
from msa_backbone.language import Tokenizer, train_vocabulary
from msa_backbone.tasks import Task

CONFIGS = Path(__file__).parents[2] / "configs/multimodal"
QUESTIONS = ["is it red?", "where is the small blue circle that is left of the 3?", "how many? "]
ANSWERS = ["yes", "no", "top left", "2"]


def make(folder: Path, conditioning: str, layers: int = 1) -> tuple[Path, Path]:
    """A config and a checkpoint with words of its own."""
    config, checkpoint = folder / "vqa.py", folder / "vqa.pth"
    plain = "attention=dict(type='MultiScaleAttention', reduction_ratio=4, _delete_=True)"
    listens = "attention=dict(reduction_ratio=4)"
    attention = listens if conditioning.startswith("backbone") else plain
    base = CONFIGS / "vqa_msa-vgg16-bn-c16_1xb128-2k_demo-64x64.py"
    pool = "average" if conditioning == "concat" else "max"
    config.write_text(
        f"_base_ = {str(base)!r}\n"
        f"model = dict(pool={pool!r}, conditioning={conditioning!r},\n"
        f"    text_encoder=dict(num_layers={layers}),\n"
        f"    backbone=dict(base_channels=8, {attention}))\n"
    )
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    cfg.model.vocabulary, cfg.model.answers = train_vocabulary(QUESTIONS), ANSWERS
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    for part in model.modules():
        if isinstance(part, torch.nn.Conv2d | torch.nn.Linear):
            torch.nn.init.kaiming_normal_(part.weight)
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = 1.0
    with torch.no_grad():
        model.train().logits(torch.randn(3, 3, 64, 64), QUESTIONS)
    torch.save({"state_dict": model.state_dict()}, checkpoint)
    return config, checkpoint


def load(made: tuple[Path, Path]) -> Config:
    return load_config(str(made[0]), None, {})


@pytest.fixture(scope="module")
def answerer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vqa")
    made = make(folder, "backbone")
    export_onnx(load(made), str(made[1]), folder / "vqa.onnx")
    return made, folder / "vqa.onnx"


def check(made: tuple[Path, Path], runtime: RuntimePredictor) -> None:
    for questions in (QUESTIONS, QUESTIONS[:1], ["what is unknown here?"] * 2):
        predictor = Predictor(load(made), str(made[1]), questions=questions)
        for seed, size in enumerate(((64, 64), (97, 131))):
            picture = noise(*size, seed)
            batch = predictor.inputs([picture], ["a"])
            with torch.no_grad():
                samples = predictor.model.test_step(batch)
            expected = np.stack([sample.pred_score.numpy() for sample in samples])
            found = runtime(picture, questions)["scores"]
            assert found.shape == (len(questions), len(ANSWERS))
            assert np.abs(found - expected).max() < 1e-4
            assert expected.max() - expected.min() > 0.05


@pytest.mark.slow
def test_the_same_probabilities(answerer):
    made, file = answerer
    runtime = RuntimePredictor(file)
    check(made, runtime)
    scores = runtime(noise(64, 64), QUESTIONS)["scores"]
    assert np.abs(scores[0] - scores[1]).max() > 0.01  # it listens


@pytest.mark.slow
@pytest.mark.parametrize(("conditioning", "layers"), [("backbone_only", 1), ("concat", 2)])
def test_other_places_of_the_question(conditioning, layers, tmp_path):
    made = make(tmp_path, conditioning, layers)
    export_onnx(load(made), str(made[1]), tmp_path / "vqa.onnx")
    check(made, RuntimePredictor(tmp_path / "vqa.onnx"))


@pytest.mark.slow
def test_openvino(answerer, tmp_path):
    pytest.importorskip("openvino")
    runtime = RuntimePredictor(answerer[1])
    convert_to_openvino(answerer[1], runtime.info, tmp_path / "vqa.xml")
    openvino = RuntimePredictor(tmp_path / "vqa.xml")
    for questions in (QUESTIONS, QUESTIONS[:1]):
        expected = runtime(noise(97, 131), questions)["scores"]
        assert np.allclose(openvino(noise(97, 131), questions)["scores"], expected, atol=1e-3)


@pytest.mark.slow
def test_the_words_are_in_the_file(answerer):
    _, file = answerer
    info = RuntimePredictor(file).info
    assert info.task == "questions about images" and info.classes == tuple(ANSWERS)
    expected = Tokenizer(info.vocabulary)(QUESTIONS).numpy()
    assert np.array_equal(tokens_of(QUESTIONS, info.vocabulary), expected)
    assert [given.name for given in onnx.load(file).graph.input] == ["picture", "tokens"]
    assert info.input.endswith("; tokens: int64, (questions, words), 0 behind the last word")
    with pytest.raises(DataError, match="is for questions about images: give questions"):
        RuntimePredictor(file)(noise(64, 64))


def test_what_looks_like_the_end_of_a_question_is_read_as_text():
    vocabulary = train_vocabulary([*QUESTIONS, "[ eos ]"])
    questions = ["is it [EOS] red?", "[PAD]"]
    expected = Tokenizer(vocabulary)(questions).numpy()
    assert np.array_equal(tokens_of(questions, vocabulary), expected)
    assert (expected[0] == 3).sum() == 1


@pytest.mark.slow
def test_questions_to_another_model_are_refused(exported):
    with pytest.raises(DataError, match="is for classification: it answers no questions"):
        RuntimePredictor(exported("classifier"))(noise(64, 64), ["why?"])


@pytest.mark.parametrize(("height", "width", "size"), [(4, 4, 1), (7, 5, 2), (8, 9, 3), (2, 3, 4)])
@pytest.mark.parametrize("kind", [torch.nn.AdaptiveAvgPool2d, torch.nn.AdaptiveMaxPool2d])
def test_pooling_is_torch_s(kind, height, width, size):
    x, pool = torch.randn(2, 3, height, width), kind(size)
    torch.testing.assert_close(pooled(x, pool), pool(x))


def test_what_looks_or_reads_alone_and_captions_are_refused(tmp_path):
    made = make(tmp_path, "picture")
    predictor = Predictor(load(made), str(made[1]), questions=["a"])
    with pytest.raises(DataError, match=r"MSAAnswerer with half of its input .* does both"):
        as_tensor_function(predictor.model, Task.QUESTIONS)
    with pytest.raises(DataError, match="writes word by word, in a loop that is not exported: use"):
        as_tensor_function(torch.nn.Identity(), Task.CAPTIONS)
