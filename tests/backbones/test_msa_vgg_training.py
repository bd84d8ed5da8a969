"""Training the backbone: freezing, checkpointing, gradients, mixed precision, copies."""

import copy
import pickle
import warnings

import pytest
import torch
from mmengine.registry import MODELS
from references import randomise
from torch import nn

from msa_backbone import MSAVGG

BN = {"type": "BN"}
TRACKING_IN = {"type": "IN", "affine": True, "track_running_stats": True}


def small(**options) -> MSAVGG:
    torch.manual_seed(0)
    backbone = MSAVGG(**{"base_channels": 16, "zero_init": False, **options})
    randomise(backbone)
    return backbone


def state_of(backbone: MSAVGG) -> dict[str, torch.Tensor]:
    return copy.deepcopy(backbone.state_dict())


def train_steps(backbone: MSAVGG, steps: int = 3) -> None:
    parameters = [p for p in backbone.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=1e-2, momentum=0.9, weight_decay=1e-2)
    for step in range(steps):
        backbone.train()
        torch.manual_seed(step)
        outputs = backbone(torch.randn(2, 3, 64, 64))
        optimizer.zero_grad()
        sum(y.square().mean() for y in outputs).backward()
        optimizer.step()
        backbone.eval()


@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize("frozen_stages", [-1, 0, 1, 3])
def test_frozen_stages_stay_bit_still_and_the_rest_moves(frozen_stages, norm_cfg):
    backbone = small(frozen_stages=frozen_stages, norm_cfg=norm_cfg)
    before = state_of(backbone)
    train_steps(backbone)
    frozen = max(frozen_stages, 0)
    pools = [i for i, m in enumerate(backbone.features) if isinstance(m, nn.MaxPool2d)]
    first_free = 0 if frozen == 0 else pools[frozen - 1] + 1
    still_attentions = [4, 9, 16, 23, 30][:frozen]
    seen = set()
    for name, value in backbone.state_dict().items():
        kind, index = name.split(".")[:2]
        still = int(index) < first_free if kind == "features" else int(index) in still_attentions
        assert torch.equal(value, before[name]) == still, name
        seen.add(still)
    assert seen == ({False} if frozen == 0 else {True, False})


def test_freezing_everything_leaves_nothing_to_train():
    backbone = small(frozen_stages=5, norm_cfg=BN)
    assert not any(p.requires_grad for p in backbone.parameters())
    assert not any(m.training for m in backbone.train().features)


def test_train_returns_self_and_frozen_norms_stay_in_eval():
    backbone = small(frozen_stages=2, norm_cfg=BN)
    built = [m.training for m in backbone.features if isinstance(m, nn.BatchNorm2d)]
    assert backbone.eval() is backbone and backbone.train() is backbone
    norms = [m.training for m in backbone.features if isinstance(m, nn.BatchNorm2d)]
    assert norms == built == [False] * 4 + [True] * 9
    holder = nn.Sequential(backbone).train()
    assert [m.training for m in holder[0].features if isinstance(m, nn.BatchNorm2d)] == norms


def test_norm_eval_keeps_the_statistics_and_trains_the_affine_part():
    backbone = small(norm_eval=True, norm_cfg=BN)
    before = state_of(backbone)
    backbone(torch.randn(2, 3, 64, 64))  # as it is built, before anybody calls train()
    train_steps(backbone)
    for name, value in backbone.state_dict().items():
        statistics = "running" in name or "num_batches" in name
        assert torch.equal(value, before[name]) == statistics, name


def test_freezing_attention_at_the_identity_warns_with_the_way_out():
    with pytest.warns(UserWarning, match=r"4, 9 .*attention_positions=\(16, 23, 30\)"):
        small(frozen_stages=2, zero_init=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        small(frozen_stages=2, zero_init=True, attention_positions=(16, 23, 30))
        small(frozen_stages=2, zero_init=False)
        small(frozen_stages=2, attention=None)


@MODELS.register_module()
class NormedAttention(nn.Module):
    """One of someone else's: with a norm and dropout."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.drop = nn.Dropout2d(0.5)

    def forward(self, x):
        return x + self.drop(self.norm(x))


ATTENTIONS = [{"type": "MultiScaleAttention", "dropout": 0.5}, {"type": "NormedAttention"}]


@pytest.mark.parametrize("attention", ATTENTIONS)
@pytest.mark.parametrize("frozen_stages", [0, 2])
def test_frozen_attention_stays_bit_still_until_it_is_let_go(frozen_stages, attention):
    backbone = small(frozen_stages=frozen_stages, attention=attention)
    x = torch.randn(2, 3, 64, 64)
    backbone.train().freeze_attention()
    assert all(torch.equal(a, b) for a, b in zip(backbone(x), backbone(x), strict=True))
    assert backbone.training and not any(m.training for m in backbone.attentions.values())
    before = state_of(backbone)
    train_steps(backbone)
    for name, value in backbone.state_dict().items():
        still = name.startswith("attentions") or int(name.split(".")[1]) < 5 * frozen_stages
        assert torch.equal(value, before[name]) == still, name

    backbone.train().freeze_attention(False)
    assert all(m.training == (int(n) > 5 * frozen_stages) for n, m in backbone.attentions.items())
    train_steps(backbone)
    for name, value in backbone.state_dict().items():
        still = int(name.split(".")[1]) < 5 * frozen_stages
        assert torch.equal(value, before[name]) == still, name


def test_frozen_attention_passes_the_gradients_on():
    backbone, x = small(frozen_stages=1), torch.randn(2, 3, 64, 64)
    grads = []
    for frozen in (False, True):
        backbone.freeze_attention(frozen)
        backbone.zero_grad()
        sum(y.square().mean() for y in backbone(x)).backward()
        grads.append({n: p.grad for n, p in backbone.named_parameters() if p.grad is not None})
    kept = {name for name in grads[0] if name.startswith("features")}
    assert grads[1].keys() == kept != grads[0].keys()
    largest = max(grads[0][name].abs().max() for name in kept)
    assert all((grads[0][n] - grads[1][n]).abs().max() <= 1e-6 * largest for n in kept)


@pytest.mark.parametrize("again", [1, 2])
def test_letting_attention_go_gives_back_what_was_there(again):
    backbone = small(frozen_stages=1, norm_eval=True, attention={"type": "NormedAttention"})
    backbone.attentions["9"].norm.bias.requires_grad_(False)
    before = {name: p.requires_grad for name, p in backbone.named_parameters()}
    modes = {name: m.training for name, m in backbone.train().named_modules()}
    for _ in range(again):
        backbone.freeze_attention(False)
    assert before == {name: p.requires_grad for name, p in backbone.named_parameters()}
    for _ in range(again):
        backbone.freeze_attention()
    for name, p in backbone.named_parameters():
        assert p.requires_grad == (before[name] and name.startswith("features")), name
    for twin in (copy.deepcopy(backbone), pickle.loads(pickle.dumps(backbone)), backbone):
        for _ in range(again):
            twin.freeze_attention(False)
        assert before == {name: p.requires_grad for name, p in twin.named_parameters()}
        assert modes == {name: m.training for name, m in twin.named_modules()}


def test_a_gradient_from_before_the_freezing_does_not_move_attention():
    backbone = small()
    optimizer = torch.optim.AdamW(backbone.parameters(), weight_decay=0.1)
    sum(y.square().mean() for y in backbone(torch.randn(2, 3, 64, 64))).backward()
    before = state_of(backbone)
    backbone.freeze_attention()
    optimizer.step()
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, before[name]) == name.startswith("attentions"), name


def test_freezing_attention_needs_some():
    for frozen in (True, False):
        with pytest.raises(ValueError, match="freeze_attention needs attention"):
            small(attention=None).freeze_attention(frozen)


@pytest.mark.parametrize("depth", [11, 16])
@pytest.mark.parametrize("norm_cfg", [None, BN])
@pytest.mark.parametrize(
    ("before_pool", "out_indices", "positions"),
    [(False, None, None), (True, (1, 3), None), (True, (0,), "conv"), (False, (2,), (0, 4, 7))],
)
def test_every_parameter_gets_a_gradient(depth, norm_cfg, before_pool, out_indices, positions):
    backbone = small(
        depth=depth,
        norm_cfg=norm_cfg,
        out_before_pool=before_pool,
        out_indices=out_indices,
        attention={"type": "MultiScaleAttention", "reduction_ratio": 2},  # no dead ReLU
        attention_positions=positions,
    )
    last = backbone(torch.randn(2, 3, 64, 64))[-1]
    (last * torch.randn_like(last)).sum().backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("norm_cfg", [None, BN, {**BN, "momentum": None}, TRACKING_IN])
@pytest.mark.parametrize("with_cp", [True, (False, True, True, False, True)])
@pytest.mark.parametrize("before_pool", [False, True])
def test_checkpointing_changes_neither_gradients_nor_statistics(norm_cfg, with_cp, before_pool):
    results = []
    for flag in (False, with_cp):
        backbone = small(norm_cfg=norm_cfg, with_cp=flag, out_before_pool=before_pool)
        calls = {0: 0, 12: 0}
        convs = [m for m in backbone.features if isinstance(m, nn.Conv2d)]
        for number in calls:
            convs[number].register_forward_hook(
                lambda *_, number=number, calls=calls: calls.update({number: calls[number] + 1})
            )
        x = torch.randn(2, 3, 64, 32, generator=torch.Generator().manual_seed(2))
        sum(y.square().mean() for y in backbone(x)).backward()
        results.append((calls, dict(backbone.named_parameters()), state_of(backbone)))
    (plain_calls, plain, plain_state), (calls, checked, state) = results
    assert plain_calls == {0: 1, 12: 1}
    assert calls == {0: 2 if with_cp is True else 1, 12: 2}
    largest = max(p.grad.abs().max() for p in plain.values())
    for name, parameter in plain.items():
        assert (parameter.grad - checked[name].grad).abs().max() <= 1e-6 * largest, name
    for name, value in plain_state.items():
        assert torch.equal(value, state[name]), name
    if norm_cfg is BN:
        assert state["features.1.num_batches_tracked"] == 1
        assert not torch.equal(
            state["features.1.running_mean"], small(norm_cfg=BN).features[1].running_mean
        )


def test_checkpointing_compiles_and_counts_a_batch_once():
    results = []
    for compiled in (False, True):
        backbone = small(num_stages=1, attention=None, norm_cfg=BN, with_cp=True)
        x = torch.randn(2, 3, 16, 8, generator=torch.Generator().manual_seed(2))
        if compiled:
            backbone.compile(backend="aot_eager", fullgraph=True)
        backbone(x)[0].square().mean().backward()
        results.append((backbone.state_dict(), [p.grad for p in backbone.parameters()]))
    (state, grads), (compiled_state, compiled_grads) = results
    assert compiled_state["features.1.num_batches_tracked"] == 1
    for name, value in state.items():
        assert torch.allclose(value, compiled_state[name], atol=1e-6), name
    for grad, compiled_grad in zip(grads, compiled_grads, strict=True):
        assert torch.allclose(grad, compiled_grad, atol=1e-5)


def test_checkpointing_is_off_in_eval_and_norms_recover():
    backbone = small(norm_cfg=BN, with_cp=True)
    x = torch.randn(2, 3, 64, 64)
    sum(y.sum() for y in backbone(x)).backward()
    norms = [m for m in backbone.features if isinstance(m, nn.BatchNorm2d)]
    assert all(m.momentum == 0.1 and m.num_batches_tracked == 1 for m in norms)
    plain = small(norm_cfg=BN)
    plain.load_state_dict(backbone.state_dict())
    for a, b in zip(backbone.eval()(x), plain.eval()(x), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("norm_cfg", [None, BN])
def test_state_dict_deepcopy_and_pickle_keep_the_function(norm_cfg):
    backbone = small(norm_cfg=norm_cfg).eval()
    x = torch.randn(1, 3, 64, 32)
    expected = backbone(x)
    torch.manual_seed(5)
    loaded = MSAVGG(base_channels=16, norm_cfg=norm_cfg).eval()
    loaded.load_state_dict(backbone.state_dict())
    for twin in (loaded, copy.deepcopy(backbone), pickle.loads(pickle.dumps(backbone))):
        assert all(torch.equal(a, b) for a, b in zip(twin(x), expected, strict=True))


def test_calling_init_weights_again_leaves_trained_weights():
    backbone = small(zero_init=True, init_cfg={"type": "Kaiming", "layer": "Conv2d"})
    backbone.init_weights()
    train_steps(backbone, 1)
    before = state_of(backbone)
    backbone.init_weights()
    assert all(torch.equal(before[n], t) for n, t in backbone.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16])
def test_sixteen_bit_weights_and_inputs(dtype):
    backbone, x = small().eval(), torch.rand(1, 3, 64, 64)
    expected = backbone(x)[-1]
    outputs = backbone.to(dtype)(x.to(dtype))
    assert all(y.dtype == dtype and y.isfinite().all() for y in outputs)
    assert (outputs[-1] - expected).abs().max() < 0.1 * expected.abs().max()


def test_autocast_gives_every_parameter_a_float32_gradient():
    backbone = small(with_cp=(False, True, False, True, False))
    with torch.autocast("cpu", torch.bfloat16):
        outputs = backbone(torch.rand(1, 3, 64, 64))
    sum(y.float().square().mean() for y in outputs).backward()
    for name, parameter in backbone.named_parameters():
        assert parameter.grad.dtype == torch.float32 and parameter.grad.isfinite().all(), name


@pytest.mark.parametrize("size", [(1, 1), (1, 33), (17, 1)])
def test_one_pixel_high_or_wide_inputs(size):
    for options in ({"ceil_mode": True}, {"pool_strides": (1,) * 5}):
        outputs = small(**options)(torch.rand(1, 3, *size))
        assert all(y.isfinite().all() and y.numel() for y in outputs)
