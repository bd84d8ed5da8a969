"""A model that writes captions: the decoder, training, searching, saving."""

import inspect
import math

import pytest
import torch
from mmengine.structures import BaseDataElement

pytest.importorskip("tokenizers")

from msa_backbone.language import MSACaptioner, train_vocabulary
from msa_backbone.language.captions.caption_decoder import CaptionDecoder
from msa_backbone.language.captions.positions import sine_positions, sine_positions_2d
from msa_backbone.language.text.tokenizer import BEGIN, END

VOCABULARY = train_vocabulary(["red green blue left of"])
BACKBONE = {
    "type": "MSAVGG", "depth": 11, "base_channels": 8, "num_stages": 3, "out_indices": (1, 2),
    "norm_cfg": {"type": "BN"}, "attention": {"type": "MultiScaleAttention", "reduction_ratio": 4},
}  # fmt: skip


def build(**options) -> MSACaptioner:
    torch.manual_seed(0)
    decoder = {"channels": 32, "num_heads": 2, "num_layers": 2, "dropout": 0.0}
    return MSACaptioner(
        **{
            "backbone": BACKBONE,
            "vocabulary": VOCABULARY,
            "decoder": decoder,
            "longest": 8,
            **options,
        }
    )


def train(model: MSACaptioner, scenes, steps: int) -> list[float]:
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for step in range(steps):
        images, samples = scenes(32, seed=step)
        optimizer.zero_grad()
        loss = model(images, samples, mode="loss")["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.fixture(scope="module")
def trained(scenes) -> MSACaptioner:
    model = build()
    train(model, scenes, 120)
    return model.eval()


@pytest.mark.parametrize("beams", [1, 3])
def test_it_learns_to_describe(beams, trained, scenes):
    trained.beams = beams
    images, samples = scenes(60, seed=1000)
    trained(images, samples, mode="predict")
    assert sum(s.pred_caption == s.gt_caption for s in samples) >= 54
    alone = [BaseDataElement()]
    trained(images[:1], alone, mode="predict")
    assert alone[0].pred_caption == samples[0].pred_caption
    assert trained(images[:2], None, mode="predict")[1].pred_caption == samples[1].pred_caption


def test_saved_and_loaded_it_writes_the_same(trained, scenes, tmp_path):
    torch.save(trained.state_dict(), tmp_path / "weights.pth")
    again = build().eval()
    images, _ = scenes(8, seed=7)
    expected = trained.captions(trained(images))
    assert again.captions(again(images)) != expected
    again.load_state_dict(torch.load(tmp_path / "weights.pth", weights_only=True))
    assert again.captions(again(images)) == expected
    other = build(vocabulary=train_vocabulary(["something else"]))
    with pytest.raises((ValueError, RuntimeError), match="belong to another vocabulary"):
        other.load_state_dict(trained.state_dict())


def test_the_caption_found_is_at_least_as_probable_as_the_greedy_one(trained, scenes):
    images, _ = scenes(16, seed=3)
    untrained = build().eval()
    places = untrained(images)

    def log_probability(caption: str, place: torch.Tensor) -> float:
        tokens = untrained.tokenizer([caption])
        tokens = tokens[:, : untrained.longest + 1]
        logits = untrained.decoder(tokens[:, :-1], place[None])[0]
        logits[:, [0, 1, 2]] = -torch.inf
        picked = logits.log_softmax(1).gather(1, tokens[0, 1:, None])
        return picked.sum().item()

    untrained.length_penalty = 0.0
    found = {}
    for beams in (1, 4):
        untrained.beams = beams
        found[beams] = untrained.captions(places)
        assert len(found[beams]) == 16
    totals = [
        sum(log_probability(c, p) for c, p in zip(found[b], places, strict=True)) for b in (1, 4)
    ]
    assert totals[1] >= totals[0] - 1e-4


def test_no_word_sees_those_behind_it_and_padding_changes_nothing(trained, scenes):
    places = trained(scenes(2)[0])
    tokens = trained.tokenizer(["red left of blue", "red"])
    logits = trained.decoder(tokens, places)
    changed = tokens.clone()
    changed[:, 3:] = 5
    assert (trained.decoder(changed, places)[:, :3] - logits[:, :3]).abs().max() < 1e-5
    assert (trained.decoder(changed, places)[0, 3:] - logits[0, 3:]).abs().max() > 1e-3
    alone = trained.decoder(trained.tokenizer(["red"]), places[1:])
    assert (alone - logits[1, :3]).abs().max() < 1e-5


def test_the_loss_is_teacher_forcing_by_hand(scenes):
    model = build().eval()
    images, samples = scenes(2)
    samples[0].gt_caption = ["red left of blue", "blue"]
    places, total, words = model(images), 0.0, 0
    for caption, n in (("red left of blue", 0), ("blue", 0), (samples[1].gt_caption, 1)):
        tokens = model.tokenizer([caption])[0].tolist()
        assert tokens[0] == BEGIN and tokens[-1] == END
        for t in range(1, len(tokens)):
            beginning = torch.tensor([tokens[:t]])
            scores = model.decoder(beginning, places[n : n + 1])[0, -1].tolist()
            total -= scores[tokens[t]] - math.log(sum(math.exp(s) for s in scores))
            words += 1
    assert abs(model(images, samples, mode="loss")["loss"].item() - total / words) < 1e-4


def test_every_parameter_gets_a_gradient(scenes):
    model = build()
    train(model, scenes, 3)
    for name, parameter in model.named_parameters():
        # A bias before a norm, and one that the softmax over places takes out again.
        if not ("features" in name and name.endswith("bias")):
            assert parameter.grad.square().mean().sqrt() > 1e-7, name


def test_every_argument_changes_something(scenes):
    changes = {
        "backbone": {**BACKBONE, "out_indices": (2,)},
        "vocabulary": train_vocabulary(["green of blue"]),
        "decoder": {"channels": 16, "num_heads": 2, "num_layers": 1},
        "longest": 2,
        "beams": 1,
        "length_penalty": 5.0,
        "label_smoothing": 0.3,
        "data_preprocessor": {"type": "ImgDataPreprocessor", "mean": [1.0] * 3, "std": [2.0] * 3},
        "init_cfg": {"type": "Constant", "layer": "Linear", "val": 0.5},
    }
    assert set(changes) == set(inspect.signature(MSACaptioner).parameters)
    images, samples = scenes(12)

    def fingerprint(**options) -> list:
        model = build(**options)
        model.init_weights()
        model.eval()
        with torch.no_grad():
            loss = model(images, samples, mode="loss")["loss"].item()
        return [loss, model.captions(model(images)), repr(model.data_preprocessor)]

    base = fingerprint()
    assert fingerprint() == base
    for name, value in changes.items():
        assert fingerprint(**{name: value}) != base, name


def test_every_argument_of_the_decoder_matters():
    changes = {
        "vocabulary_size": 9, "in_channels": (6,), "channels": 16, "num_heads": 4,
        "num_layers": 1, "dropout": 0.5,
    }  # fmt: skip
    assert set(changes) == set(inspect.signature(CaptionDecoder).parameters)

    def fingerprint(**options) -> list:
        options = {
            "vocabulary_size": 8, "in_channels": (5, 6), "channels": 8, "num_heads": 2,
            "num_layers": 2, "dropout": 0.0, **options,
        }  # fmt: skip
        torch.manual_seed(0)
        decoder = CaptionDecoder(**options)
        maps = [torch.randn(1, width, 2, 3) for width in options["in_channels"]]
        return decoder(torch.tensor([[2, 4, 5]]), decoder.read(maps)).tolist()

    for name, value in changes.items():
        assert fingerprint(**{name: value}) != fingerprint(), name
    for options in ({"channels": 6}, {"num_heads": 3}, {"num_heads": 0}):
        with pytest.raises(ValueError, match="choose a multiple of 4 and of num_heads="):
            fingerprint(**options)


def test_samples_that_lack_a_caption_are_refused(scenes):
    images, samples = scenes(2)
    samples[1].gt_caption = []
    with pytest.raises(ValueError, match="a picture of the training data has no gt_caption"):
        build()(images, samples, mode="loss")
    with pytest.raises(ValueError, match="mode='train' is unknown"):
        build()(images, samples, mode="train")


def test_positions_are_sines_and_cosines_and_tell_places_apart():
    like = torch.zeros(1, dtype=torch.float64)
    line = sine_positions(7, 8, like)
    for place in range(7):
        for k in range(4):
            angle = place / 10_000 ** (2 * k / 8)
            assert abs(line[place, k].item() - math.sin(angle)) < 1e-6
            assert abs(line[place, 4 + k].item() - math.cos(angle)) < 1e-6
    plane = sine_positions_2d(3, 5, 16, like).view(3, 5, 16)
    assert torch.equal(plane[2, 4], torch.cat([line[2], line[4]]))
    assert len(plane.flatten(0, 1).unique(dim=0)) == 15
