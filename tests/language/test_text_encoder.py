"""The text encoder against a recurrent network written out, word by word."""

import inspect

import pytest
import torch
from torch import nn

from msa_backbone.language import GRUTextEncoder


def build(**options) -> GRUTextEncoder:
    torch.manual_seed(0)
    return GRUTextEncoder(**{"vocabulary_size": 9, "channels": 6, "word_channels": 4, **options})


def word_by_word(state: dict[str, torch.Tensor], tokens: list[int]) -> torch.Tensor:
    h = torch.zeros(6, dtype=torch.float64)
    states = []
    for token in tokens:
        seen = state["gru.weight_ih_l0"] @ state["embedding.weight"][token]
        seen = (seen + state["gru.bias_ih_l0"]).chunk(3)
        kept = (state["gru.weight_hh_l0"] @ h + state["gru.bias_hh_l0"]).chunk(3)
        reset, update = (torch.sigmoid(s + k) for s, k in zip(seen[:2], kept[:2], strict=True))
        new = torch.tanh(seen[2] + reset * kept[2])
        h = (1 - update) * new + update * h
        states.append(h)
    mean = sum(states) / len(states)
    centred = mean - mean.mean()
    normalised = centred / (centred.square().mean() + 1e-5).sqrt()
    return normalised * state["norm.weight"] + state["norm.bias"]


def test_equals_the_network_written_out_whatever_is_padded():
    encoder = build().double()
    nn.init.normal_(encoder.norm.weight)
    nn.init.normal_(encoder.norm.bias)
    sentences = [[2, 5, 6, 3], [2, 8, 3], [2, 3], [2, 1, 7, 4, 4, 5, 3]]
    tokens = torch.tensor([s + [0] * (9 - len(s)) for s in sentences])
    found = encoder(tokens)
    for row, sentence in zip(found, sentences, strict=True):
        assert (row - word_by_word(encoder.state_dict(), sentence)).abs().max() < 1e-12
    order = encoder(torch.tensor([[2, 6, 5, 3]]))
    assert (order - found[:1]).abs().max() > 1e-3


def test_padding_takes_no_gradient_and_every_word_does():
    encoder = build()
    found = encoder(torch.tensor([[2, 4, 5, 3], [2, 3, 0, 0]]))
    (found * torch.arange(6.0)).sum().backward()
    moved = encoder.embedding.weight.grad.abs().sum(1) > 0
    assert moved.nonzero().flatten().tolist() == [2, 3, 4, 5]
    assert all(p.grad.any() for p in encoder.parameters())


def test_every_argument_matters():
    changes = {
        "vocabulary_size": 12, "channels": 8, "word_channels": 5, "num_layers": 2, "dropout": 0.5,
    }  # fmt: skip
    assert set(changes) == set(inspect.signature(GRUTextEncoder).parameters)
    tokens = torch.tensor([[2, 4, 3]])
    for name, value in changes.items():
        assert build(**{name: value})(tokens).tolist() != build()(tokens).tolist(), name
    assert torch.equal(build(dropout=0.5).eval()(tokens), build()(tokens))
    assert build(channels=8).channels == 8
    with pytest.raises(ValueError, match="vocabulary_size=0: an empty vocabulary reads nothing"):
        build(vocabulary_size=0)


def test_questions_that_end_alike_differ_from_the_start():
    """Each channel's standard deviation over questions that differ in their second word alone."""
    torch.manual_seed(0)
    encoder = GRUTextEncoder(vocabulary_size=20, channels=64, word_channels=32)
    tokens = torch.tensor([[2, word, 4, 5, 6, 7, 8, 3] for word in range(9, 20)])
    assert encoder(tokens).std(0).mean() > 0.3
