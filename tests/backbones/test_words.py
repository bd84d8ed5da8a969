"""A backbone that is told something: who hears it, once a picture, checkpointed, frozen."""

import copy

import pytest
import torch
from torch import nn

from msa_backbone import MSAVGG

TEXT = 6
LISTENING = {
    "LanguageConditionedAttention": {"text_channels": TEXT, "reduction_ratio": 4},
    "FiLM": {"text_channels": TEXT},
}


@pytest.fixture(params=LISTENING)
def kind(request) -> str:
    return request.param


def build(kind: str, **options) -> MSAVGG:
    torch.manual_seed(0)
    options = {
        "depth": 11, "base_channels": 8, "num_stages": 4, "attention_positions": (10, 15),
        "zero_init": False, "attention": {"type": kind, **LISTENING.get(kind, {})}, **options,
    }  # fmt: skip
    return MSAVGG(**options)


def pictures_and_words(pictures: int = 3, sentences: int = 3):
    torch.manual_seed(1)
    return torch.randn(pictures, 3, 32, 48), torch.randn(sentences, TEXT)


def test_a_sentence_reaches_every_module_that_listens(kind):
    backbone, (x, q) = build(kind), pictures_and_words()
    heard = []
    for name, module in backbone.attentions.items():
        module.register_forward_hook(lambda _, given, __, name=name: heard.append((name, given[1])))
    told = backbone(x, sentence=q)
    assert [name for name, _ in heard] == ["10", "15"] and all(s is q for _, s in heard)
    silent = backbone.eval()
    for module in backbone.attentions.values():
        module._forward_hooks.clear()
    deaf = silent(x)
    assert all(torch.equal(a, b) for a, b in zip(told[:2], deaf[:2], strict=True))
    assert all((a - b).abs().max() > 1e-4 for a, b in zip(told[2:], deaf[2:], strict=True))
    for n in range(3):
        alone = backbone(x[n : n + 1], sentence=q[n : n + 1])
        assert all((a - b[n]).abs().max() < 1e-5 for a, b in zip(alone, told, strict=True))


def test_without_a_sentence_it_is_the_backbone_with_multi_scale_attention():
    listening = build("LanguageConditionedAttention")
    plain = {"type": "MultiScaleAttention", "reduction_ratio": 4}
    deaf = build("MultiScaleAttention", attention=plain)
    listening.load_state_dict(deaf.state_dict())
    x, q = pictures_and_words()
    for a, b, c in zip(listening(x), deaf(x), listening(x, 0 * q), strict=True):
        assert torch.equal(a, b) and (a - c).abs().max() < 1e-6


def test_early_stages_run_once_a_picture(kind):
    """As if every picture came once for each of its sentences, in any order and number."""
    backbone = build(kind, norm_cfg={"type": "BN"}).eval()
    x, q = pictures_and_words(3, 5)
    picture = torch.tensor([2, 0, 0, 2, 0])
    seen = {}
    for name in ("features.0", "features.13", "attentions.10"):
        backbone.get_submodule(name).register_forward_hook(
            lambda _, given, __, name=name: seen.update({name: len(given[0])})
        )
    shared = backbone(x, q, picture)
    assert seen == {"features.0": 3, "features.13": 3, "attentions.10": 5}
    repeated = backbone(x[picture], q)
    for a, b in zip(shared[:2], repeated[:2], strict=True):
        assert (a[picture] - b).abs().max() < 1e-5
    for a, b in zip(shared[2:], repeated[2:], strict=True):
        assert (a - b).abs().max() < 1e-5


def gradients(backbone: MSAVGG, x, q, picture) -> dict[str, torch.Tensor]:
    x, q = x.clone().requires_grad_(), q.clone().requires_grad_()
    backbone.zero_grad()
    sum(y.square().mean() for y in backbone(x, q, picture)).backward()
    found = {n: p.grad for n, p in backbone.named_parameters() if p.grad is not None}
    return {"x": x.grad, "q": q.grad, **found}


@pytest.mark.parametrize("picture", [None, torch.tensor([1, 0, 1])])
def test_checkpointing_changes_no_gradient(kind, picture):
    plain = build(kind).train()
    checkpointed = copy.deepcopy(plain)
    checkpointed.with_cp = (True,) * 4
    x, q = pictures_and_words()
    expected, found = (gradients(b, x, q, picture) for b in (plain, checkpointed))
    assert expected.keys() == found.keys() and expected["q"].any()
    assert all((expected[n] - found[n]).abs().max() < 1e-6 for n in expected)


def test_frozen_stages_hear_but_do_not_learn(kind):
    with torch.random.fork_rng():
        backbone = build(kind, frozen_stages=4)
    backbone.train()
    assert not any(p.requires_grad for p in backbone.parameters())
    x, q = pictures_and_words()
    q.requires_grad_()
    backbone(x, q)[-1].square().mean().backward()
    assert q.grad.abs().max() > 1e-6


def test_every_parameter_gets_a_gradient_with_a_sentence(kind):
    """What data-parallel training asks for."""
    backbone = build(kind).train()
    found = gradients(backbone, *pictures_and_words(), None)
    assert {"x", "q", *(n for n, _ in backbone.named_parameters())} == set(found)
    assert all(grad.any() for grad in found.values())


def test_deaf_backbones_and_sentences_that_do_not_fit_are_refused(kind):
    x, q = pictures_and_words()
    deaf = {"attention": {"type": "MultiScaleAttention", "reduction_ratio": 4}}
    for options in (deaf, {"attention": None, "attention_positions": None}):
        with pytest.raises(ValueError, match="no attention of this backbone takes one: build it"):
            build(kind, **options)(x, q)
    with pytest.raises(ValueError, match=r"expected \(3, 6\): an embedding for each picture"):
        build(kind)(x, q[:2])
    with pytest.raises(ValueError, match=r"expected \(2, 6\): an embedding for each picture"):
        build(kind)(x, q, torch.tensor([0, 2]))
    with pytest.raises(ValueError, match="text_chanels"):
        build(kind, attention={"type": kind, "text_chanels": 3})


def test_tracers_and_copies_need_no_sentence(kind):
    backbone, (x, q) = build(kind).eval(), pictures_and_words()
    expected = backbone(x)
    symbolic = torch.fx.symbolic_trace(backbone)
    exported = torch.export.export(backbone, (x,)).module()
    told = torch.export.export(backbone, (x, q)).module()
    for form in (symbolic, exported, copy.deepcopy(backbone)):
        for a, b in zip(form(x), expected, strict=True):
            assert (a - b).abs().max() < 1e-5
    for a, b in zip(told(x, q), backbone(x, q), strict=True):
        assert (a - b).abs().max() < 1e-5


class Told(nn.Module):
    """Gives data-parallel training a module whose arguments are positional and by name."""

    def __init__(self, backbone: MSAVGG) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x, sentence):
        return self.backbone(x, sentence=sentence)[-1]


def test_data_parallel_training_takes_the_sentence(kind, tmp_path):
    """One process: all hooks run, and a parameter without a gradient would stop the second step."""
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1
    )
    try:
        backbone, (x, q) = build(kind), pictures_and_words()
        model = nn.parallel.DistributedDataParallel(Told(backbone))
        optimizer = torch.optim.SGD(backbone.parameters(), lr=1e-4)
        for _ in range(2):
            optimizer.zero_grad()
            model(x, sentence=q).square().mean().backward()
            optimizer.step()
        assert all(p.grad.any() for p in backbone.parameters())
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.parametrize("trained_with_words", [False, True])
def test_trained_attention_begins_to_listen(trained_with_words, tmp_path):
    """By the backbone's `init_cfg`: exactly the trained network until training moves the words."""
    attention = {"type": "LanguageConditionedAttention", "text_channels": TEXT}
    plain = {"type": "MultiScaleAttention"}
    trained = build(
        "", attention={**(attention if trained_with_words else plain), "reduction_ratio": 4}
    )
    torch.save(trained.state_dict(), tmp_path / "trained.pth")
    start = {"type": "Pretrained", "checkpoint": str(tmp_path / "trained.pth")}
    listening = {**attention, "reduction_ratio": 4, "zero_language": True}
    backbone = build("", attention=listening, init_cfg=start, zero_init=True)
    backbone.init_weights()
    x, q = pictures_and_words()
    told = (q,) if trained_with_words else ()
    for a, b in zip(backbone(x, q), trained(x, *told), strict=True):
        assert (a - b).abs().max() < 1e-6
    tensors = build("", attention=listening).state_dict()
    del tensors["attentions.10.match_conv.weight"]
    torch.save(tensors, tmp_path / "trained.pth")
    again = build("", attention=listening, init_cfg=start)
    with pytest.raises(ValueError, match=r"attentions\.10\.match_conv\.weight has shape none in"):
        again.init_weights()
