"""A model that answers questions about pictures: every way to condition it, training, saving."""

import copy
import inspect
import json
import math
import subprocess
import sys

import pytest
import torch
from mmengine.structures import BaseDataElement

from msa_backbone.language import MSAAnswerer
from msa_backbone.language.answers import answer_shares
from msa_backbone.language.shared_pictures import shared_pictures
from msa_backbone.language.text.stored_text import read_stored_text

TEXT = 24
HEARS = ("backbone", "backbone_only")
LISTENERS = {
    "gates": {"type": "LanguageConditionedAttention", "reduction_ratio": 4},
    "gates and modulate": {
        "type": "LanguageConditionedAttention", "reduction_ratio": 4, "modulate": True,
    },
    "FiLM": {"type": "FiLM"},
}  # fmt: skip
KINDS = [
    *((name, kind) for name in HEARS for kind in LISTENERS),
    *((name, "MultiScaleAttention") for name in ("concat", "question", "picture")),
]


@pytest.fixture
def build(vocabulary, answers):
    def make(conditioning: str, kind: str, **options) -> MSAAnswerer:
        attention = {"type": kind, "reduction_ratio": 4}
        if kind in LISTENERS:
            attention = {**LISTENERS[kind], "text_channels": TEXT}
        backbone = {
            "type": "MSAVGG", "depth": 11, "base_channels": 8, "num_stages": 3,
            "out_indices": (2,), "norm_cfg": {"type": "BN"}, "attention": attention,
            "attention_positions": (5, 10), "zero_init": kind != "FiLM",
            **options.pop("backbone", {}),
        }  # fmt: skip
        torch.manual_seed(0)
        return MSAAnswerer(
            **{
                "vocabulary": vocabulary,
                "answers": answers,
                "backbone": backbone,
                "text_encoder": {"type": "GRUTextEncoder", "channels": TEXT, "word_channels": 16},
                "conditioning": conditioning,
                "hidden_channels": 32,
                **options,
            }
        )

    return make


def train(model: MSAAnswerer, scenes, steps: int, lr: float = 3e-3) -> list[float]:
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        images, samples = scenes(32, seed=step)
        optimizer.zero_grad()
        loss = model(images, samples, mode="loss")["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def weakest(model: MSAAnswerer) -> tuple[float, str]:
    """The smallest root mean square of a parameter's gradient, and its name."""
    found = {}
    for name, parameter in model.named_parameters():
        if "features" in name and name.endswith("bias"):
            continue  # the norm behind the convolution takes its bias out again
        found[name] = parameter.grad.square().mean().sqrt().item()
    return min((value, name) for name, value in found.items())


@pytest.mark.parametrize(("zero_init", "floor"), [(True, 1e-7), (False, 1e-5)])
@pytest.mark.parametrize(("conditioning", "kind"), KINDS)
def test_every_parameter_gets_a_gradient_by_step_ten(
    conditioning, kind, zero_init, floor, build, scenes
):
    """Those of the text encoder with 'backbone_only', too, where it comes through the gates."""
    model = build(conditioning, kind, pool_size=2, backbone={"zero_init": zero_init})
    train(model, scenes, 10)
    assert weakest(model) > (floor,), weakest(model)


def test_with_the_language_at_zero_too_the_text_encoder_would_not_learn(build, scenes):
    """The test above would find it: the fusion and the language wait for each other."""
    largest = []
    for waiting in (False, True):
        model = build("backbone_only", "gates")
        for module in model.backbone.attentions.values():
            for part in ("words_to_channels", "words_to_places", "match_features", "match_conv"):
                if waiting:
                    torch.nn.init.zeros_(getattr(module, part).weight)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
        for step in range(10):
            optimizer.zero_grad()
            model(*scenes(32, seed=step), mode="loss")["loss"].backward()
            optimizer.step()
        largest.append(max(p.grad.abs().max().item() for p in model.text_encoder.parameters()))
    assert largest[0] > 1e-7 and largest[1] < 1e-4 * largest[0], largest


@pytest.mark.parametrize(("conditioning", "kind"), KINDS)
def test_a_batch_equals_its_samples_and_shared_pictures(conditioning, kind, build, scenes):
    model = build(conditioning, kind, backbone={"zero_init": False}).eval()
    images, samples = scenes(6)
    images = images[[0, 0, 0, 3, 4, 4]]
    logits = model(images, samples)
    assert logits.shape == (6, 5)
    for n in range(6):
        alone = model(images[n : n + 1], samples[n : n + 1])
        assert (alone[0] - logits[n]).abs().max() < 1e-5
    turned = model(images.flip(0), samples[::-1])
    assert (turned.flip(0) - logits).abs().max() < 1e-5


def test_equal_neighbours_are_one_picture(scenes):
    images, _ = scenes(4)
    same, index = shared_pictures(images)
    assert same is images and index is None
    pictures, index = shared_pictures(images[[0, 0, 1, 0, 0, 3]])
    assert index.tolist() == [0, 0, 1, 2, 2, 3] and torch.equal(pictures, images[[0, 1, 0, 3]])
    assert shared_pictures(images[:1])[1] is None
    assert len(shared_pictures(images[[2, 2, 2]])[0]) == 1


@pytest.mark.parametrize(("conditioning", "kind"), KINDS)
def test_it_sees_what_it_is_said_to_see(conditioning, kind, build, scenes):
    model = build(conditioning, kind, backbone={"zero_init": False}).eval()
    images, samples = scenes(4)
    logits = model(images, samples)
    other = [BaseDataElement() for _ in samples]
    for sample, old in zip(other, samples, strict=True):
        sample.question = "what is on the right" if "left" in old.question else "is it red"
    assert (model(images, other) != logits).any() == (conditioning != "picture")
    assert (model(images.flip(0), samples) != logits).any() == (conditioning != "question")


@pytest.mark.parametrize("kind", ["gates", "gates and modulate"])
def test_padding_changes_nothing(kind, build, scenes):
    model = build("backbone", kind, backbone={"zero_init": False}).eval()
    images, samples = scenes(2)
    samples[0].question, samples[1].question = "is it red", "is it red " * 9
    together = model(images, samples)
    assert (model(images[:1], samples[:1]) - together[:1]).abs().max() < 1e-6
    tokens = model.tokenizer(["is it red", "is it red on the left ? " * 3])
    padded = model.text_encoder(tokens)
    alone = model.text_encoder(model.tokenizer(["is it red"]))
    assert (padded[0] - alone[0]).abs().max() < 1e-6
    assert (padded[1] - alone[0]).abs().max() > 1e-3
    with torch.no_grad():
        model.text_encoder.embedding.weight[0] = 9.0  # [PAD]
    assert (model.text_encoder(tokens)[0] - alone[0]).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("conditioning", "kind"),
    [("backbone", "gates"), ("backbone", "gates and modulate"), ("backbone_only", "FiLM")],
)
def test_it_learns_what_neither_part_knows_alone(conditioning, kind, build, scenes):
    model = build(conditioning, kind, pool_size=2)
    train(model, scenes, 150)
    images, samples = scenes(100, seed=1000)
    with torch.no_grad():
        model.eval()(images, samples, mode="predict")
    right = sum(sample.pred_answer == sample.gt_answer for sample in samples)
    assert right >= 90
    assert all(abs(sample.pred_score.sum().item() - 1) < 1e-5 for sample in samples)


ANOTHER_PROCESS = """
import sys, torch
from mmengine.registry import MODELS
import msa_backbone
from msa_backbone.language.text.stored_text import read_stored_text
saved = torch.load(sys.argv[1], weights_only=True)
tensors = saved["state_dict"]
vocabulary = read_stored_text(tensors, "tokenizer.text")
model = MODELS.build(dict(saved["cfg"], vocabulary=vocabulary)).eval()
model.load_state_dict(tensors)
print(model.logits(saved["images"], saved["questions"]).tolist())
"""


def test_a_fresh_process_gives_the_same_answers(build, scenes, tmp_path):
    kind = "gates and modulate"
    model = build("backbone", kind)
    train(model, scenes, 3)
    images, samples = scenes(4)
    questions = [sample.question for sample in samples]
    cfg = {
        "type": "MSAAnswerer", "answers": model.answers, "hidden_channels": 32,
        "text_encoder": {"type": "GRUTextEncoder", "channels": TEXT, "word_channels": 16},
        "backbone": {
            "type": "MSAVGG", "depth": 11, "base_channels": 8, "num_stages": 3,
            "out_indices": (2,), "norm_cfg": {"type": "BN"}, "attention_positions": (5, 10),
            "attention": {**LISTENERS[kind], "text_channels": TEXT},
        },
    }  # fmt: skip
    saved = {
        "state_dict": model.state_dict(), "cfg": cfg, "images": images, "questions": questions,
    }  # fmt: skip
    torch.save(saved, tmp_path / "weights.pth")
    command = [sys.executable, "-c", ANOTHER_PROCESS, str(tmp_path / "weights.pth")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    again = torch.tensor(json.loads(result.stdout.splitlines()[-1]))
    assert (again - model.eval().logits(images, questions)).abs().max() < 1e-6


def test_weights_of_other_words_are_refused_in_one_line(build, answers):
    from msa_backbone.language import train_vocabulary

    model = build("backbone", "gates")
    tensors = model.state_dict()
    other = build("backbone", "gates", vocabulary=train_vocabulary(["hello"]))
    with pytest.raises(ValueError, match="belong to another vocabulary than the model's") as error:
        other.load_state_dict(tensors)
    assert "\n" not in str(error.value)
    other = build("backbone", "gates", answers=answers[::-1])
    with pytest.raises(ValueError, match="belong to another set of answers than the model's"):
        other.load_state_dict(tensors)
    assert json.loads(read_stored_text(tensors, "answers_text")) == answers


def test_copies_answer_the_same(build, scenes):
    model = build("backbone", "gates").eval()
    images, samples = scenes(2)
    assert torch.equal(copy.deepcopy(model)(images, samples), model(images, samples))


def test_every_argument_changes_something(build, scenes, vocabulary):
    from msa_backbone.language import train_vocabulary

    base = "concat", "MultiScaleAttention"
    changes = {
        "vocabulary": train_vocabulary(["is it blue on the left"]),
        "answers": ["yes", "no"],
        "backbone": {"base_channels": 16},
        "text_encoder": {"type": "GRUTextEncoder", "channels": 8},
        "conditioning": "question",
        "hidden_channels": 16,
        "pool": "max",
        "pool_size": 2,
        "dropout": 0.5,
        "data_preprocessor": {"type": "ImgDataPreprocessor", "mean": [1.0] * 3, "std": [2.0] * 3},
        "init_cfg": {"type": "Constant", "layer": "Linear", "val": 0.5},
    }
    assert set(changes) == set(inspect.signature(MSAAnswerer).parameters)
    images, samples = scenes(2)

    def fingerprint(conditioning: str, **options) -> list:
        model = build(conditioning, base[1], **options)
        model.init_weights()
        torch.manual_seed(0)
        names = [(n, tuple(t.shape)) for n, t in model.state_dict().items()]
        return [model(images, samples).tolist(), names, repr(model.data_preprocessor)]

    assert fingerprint(base[0]) == fingerprint(base[0])
    for name, value in changes.items():
        options = {"conditioning": base[0], **{name: value}}
        assert fingerprint(**options) != fingerprint(base[0]), name


@pytest.mark.parametrize(
    ("conditioning", "kind", "options", "expected"),
    [
        ("both", "FiLM", {}, "conditioning='both' is unknown: choose one of backbone, "),
        ("concat", "MultiScaleAttention", {"pool": "sum"}, "pool='sum' is unknown: choose one of "),
        ("backbone", "MultiScaleAttention", {}, "the backbone does not listen: give it Lang"),
        ("concat", "FiLM", {}, "the backbone listens, but is told nothing"),
        ("backbone", "FiLM", {"vocabulary": None}, "conditioning='backbone' needs a vocabulary"),
        ("concat", "MultiScaleAttention", {"answers": []}, "there is no answer to choose from"),
        ("concat", "MultiScaleAttention", {"answers": ["a", "a"]}, "answer 'a' is there twice"),
        ("backbone", "FiLM", {"text_encoder": {"type": "GRUTextEncoder", "channels": 7}},
         "text_channels=24 of FiLM are not the text encoder's channels=7: make them equal"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(conditioning, kind, options, expected, build):
    with pytest.raises(ValueError, match=expected):
        build(conditioning, kind, **options)
    with pytest.raises(ValueError, match="needs a backbone"):
        MSAAnswerer(None, ["a"], None, conditioning="picture")


def test_samples_that_lack_something_are_refused(build, scenes):
    model = build("backbone", "gates")
    images, samples = scenes(2)
    with pytest.raises(ValueError, match="mode='train' is unknown"):
        model(images, samples, mode="train")
    samples[1].gt_answer = []
    with pytest.raises(ValueError, match=r"question '.*' has no answer: training needs gt_answer"):
        model(images, samples, mode="loss")
    with pytest.raises(ValueError, match="question=None is no text"):
        model(images, [samples[0], BaseDataElement()])


def test_the_loss_is_the_cross_entropy_of_what_people_said(build, scenes, answers):
    model = build("concat", "MultiScaleAttention").eval()
    images, samples = scenes(3)
    samples[0].gt_answer, samples[0].gt_answer_weight = ["red", "maroon", "yes"], [0.6, 0.3, 0.1]
    samples[1].gt_answer, samples[1].gt_answer_weight = ["maroon"], [1.0]
    samples[2].gt_answer = ["no", "blue"]
    shares = answer_shares(samples, answers)
    expected = torch.tensor([[6 / 7, 0, 0, 1 / 7, 0], [0] * 5, [0, 0, 0.5, 0, 0.5]])
    assert (shares - expected).abs().max() < 1e-6
    logits, total = model(images, samples).tolist(), 0.0
    for row, truth in zip(logits, expected.tolist(), strict=True):
        normaliser = math.log(sum(math.exp(value) for value in row))
        total -= sum(t * (value - normaliser) for t, value in zip(truth, row, strict=True))
    assert abs(model(images, samples, mode="loss")["loss"].item() - total / 3) < 1e-5
