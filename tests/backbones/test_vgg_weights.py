"""Weights of every common origin: the backbone then computes what their own network computes."""

import copy
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.model import BaseModule, PretrainedInit
from references import randomise, stage_outputs, vgg_features
from torch import Tensor, nn
from torchvision.models import VGG16_BN_Weights, VGG16_Weights

from msa_backbone import MSAVGG
from msa_backbone.backbones.vgg_weights import WEIGHTS_KEY, load_pretrained

BN = {"type": "BN"}
KAIMING = {"type": "Kaiming", "layer": "Conv2d"}
GN = {"type": "GN", "num_groups": 4}
NO_AFFINE = {"type": "BN", "affine": False}
IMAGENET = Path(__file__).parents[2] / "../shared/weights/vgg16_imagenet_fp16.pth"
ATTENTION_TENSORS = 5 * 14


def small(**options) -> MSAVGG:
    return MSAVGG(**{"base_channels": 16, **options})


def vgg_state(depth: int = 16, batch_norm: bool = False) -> dict[str, Tensor]:
    features = vgg_features(depth, batch_norm, narrow=4)
    return {f"features.{name}": tensor for name, tensor in features.state_dict().items()}


def caffe_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    names = [f"conv{b}_{i}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for i in range(1, n + 1)]
    keys = [f"{name}.{tensor}" for name in names for tensor in ("weight", "bias")]
    return dict(zip(keys, state.values(), strict=True))


def ours(**options) -> dict[str, Tensor]:
    return small(**options).state_dict()


def prefixed(prefix: str):
    return lambda state: {prefix + name: tensor for name, tensor in state.items()}


def mmengine_checkpoint(state: dict[str, Tensor]) -> dict:
    """What mmengine's Runner saves: history, optimizer, meta."""
    hub = MessageHub.get_instance("test_pretrained")
    for step in range(3):
        hub.update_scalar("train/loss", 0.5 * step)
        hub.update_scalar("train/grad_norm", torch.tensor(2.0))
    hub.update_info("iter", 3)
    weight = torch.ones(2, requires_grad=True)
    optimizer = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimizer.step()
    return {
        "meta": {"epoch": 1, "iter": 3, "seed": 0, "dataset_meta": {"classes": ("a", "b")}},
        "state_dict": OrderedDict(prefixed("backbone.")(state), **{"neck.weight": torch.ones(1)}),
        "message_hub": hub.state_dict(),
        "optimizer": optimizer.state_dict(),
        "param_schedulers": [{"last_step": 3, "_last_value": [0.1]}],
    }


FORMATS = {
    "torchvision": (lambda state: state, "", 0),
    "module": (prefixed("module."), "module.", 0),
    "module.backbone": (prefixed("module.backbone."), "module.backbone.", 0),
    "model": (lambda state: {"model": state, "epoch": 3}, "", 0),
    "mmengine": (mmengine_checkpoint, "backbone.", 1),
    "caffe": (caffe_names, "", 0),
    "caffe in a detector": (lambda s: prefixed("backbone.")(caffe_names(s)), "backbone.", 0),
}


@pytest.mark.parametrize(
    ("origin", "batch_norm"),
    [(o, bn) for o in FORMATS for bn in (False, True) if not (bn and "caffe" in o)],
)
def test_every_naming_computes_what_its_network_does(origin, batch_norm, tmp_path):
    convert, prefix, unused = FORMATS[origin]
    features, state = vgg_features(16, batch_norm, narrow=4), vgg_state(16, batch_norm)
    torch.save(convert(state), tmp_path / "vgg.pth")
    backbone = small(norm_cfg=BN if batch_norm else None).eval()
    report = load_pretrained(backbone, tmp_path / "vgg.pth")
    assert set(report.loaded) == set(state) and report.prefix == prefix
    assert len(report.missing) == ATTENTION_TENSORS and len(report.unused) == unused
    assert f"{len(state)} of {len(state) + ATTENTION_TENSORS} tensors loaded" in str(report)
    x = torch.randn(1, 3, 64, 32)
    for y, expected in zip(backbone(x), stage_outputs(features, x), strict=True):
        assert torch.equal(y, expected)


@pytest.mark.parametrize("norm_cfg", [None, BN])
def test_mmpretrain_checkpoints(norm_cfg, tmp_path):
    models = pytest.importorskip("mmpretrain.models")
    source = models.VGG(16, norm_cfg=norm_cfg, out_indices=range(5))
    source.eval()  # returns None
    randomise(source)
    torch.save({"state_dict": prefixed("backbone.")(source.state_dict())}, tmp_path / "vgg.pth")
    backbone = MSAVGG(norm_cfg=norm_cfg, zero_init=True).eval()
    report = load_pretrained(backbone, tmp_path / "vgg.pth")
    assert len(report.loaded) == (26 if norm_cfg is None else 26 + 13 * 5)
    assert len(report.missing) == ATTENTION_TENSORS and not report.unused
    x = torch.randn(1, 3, 64, 32)
    for y, expected in zip(backbone(x), source(x), strict=True):
        assert torch.equal(y, expected)


@pytest.mark.parametrize(
    ("name", "weights", "norm_cfg"),
    [("vgg16", VGG16_Weights, None), ("vgg16_bn", VGG16_BN_Weights, BN)],
)
def test_torchvision_scheme_reads_the_cached_download(
    name, weights, norm_cfg, tmp_path, monkeypatch
):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub/checkpoints"
    cache.mkdir(parents=True)
    features = vgg_features(16, norm_cfg is not None, narrow=4)
    torch.save(
        prefixed("features.")(features.state_dict()), cache / Path(weights.IMAGENET1K_V1.url).name
    )
    cfg = {"type": "Pretrained", "checkpoint": f"torchvision://{name}"}
    backbone = small(norm_cfg=norm_cfg, init_cfg=cfg).eval()
    backbone.init_weights()
    x = torch.randn(1, 3, 64, 32)
    assert torch.equal(backbone(x)[-1], features(x))
    with pytest.raises(ValueError, match="torchvision://vgg17: the model zoo has no 'vgg17'"):
        load_pretrained(backbone, "torchvision://vgg17")


@pytest.mark.parametrize("channels", [1, 4])
def test_other_input_channels_respond_alike_to_equal_channels(channels, tmp_path):
    torch.save(vgg_state(), tmp_path / "vgg.pth")
    backbone = small(in_channels=channels).eval()
    report = load_pretrained(backbone, tmp_path / "vgg.pth")
    assert f"adapted from 3 to {channels} input channels" in str(report)
    assert len(report.loaded) == 26
    gray = torch.randn(1, 1, 64, 32)
    expected = vgg_features(16, narrow=4)(gray.expand(-1, 3, -1, -1))
    y = backbone(gray.expand(-1, channels, -1, -1))[-1]
    assert (y - expected).abs().max() < 1e-5 * expected.abs().max()


def test_a_camera_behind_the_colours_leaves_them_their_weights(tmp_path):
    torch.save(vgg_state(), tmp_path / "vgg.pth")
    backbone = small(in_channels=5)
    load_pretrained(backbone, tmp_path / "vgg.pth")
    colours = vgg_state()["features.0.weight"] * 3 / 5
    loaded = backbone.features[0].weight
    assert torch.allclose(loaded[:, :3], colours, atol=1e-7)
    for further in (3, 4):
        assert torch.allclose(loaded[:, further], colours.mean(dim=1), atol=1e-7)


@pytest.mark.parametrize(
    ("state", "options", "loaded", "missing", "unused", "text"),
    [
        (lambda: vgg_state(), {"out_indices": (0,)}, 4, 14, 22, "features.5"),
        (lambda: caffe_names(vgg_state()), {"out_indices": (0,)}, 4, 14, 22, "conv2_1"),
        (
            lambda: vgg_state(16, True),
            {"norm_cfg": BN, "out_indices": (0,)},
            14,
            14,
            77,
            "norms 10 of 10",
        ),
        (lambda: vgg_state(), {"norm_cfg": BN}, 26, 70 + 52, 0, "features.1, features.4"),
        (
            lambda: {**vgg_state(), "classifier.0.weight": torch.ones(1)},
            {},
            26,
            70,
            1,
            "classifier.0",
        ),
        (lambda: vgg_state(), {"num_stages": 4}, 20, 4 * 14, 6, "features.24"),
        (lambda: vgg_state(), {"attention": None}, 26, 0, 0, "26 tensors"),
        (
            lambda: vgg_state(16, True),
            {"norm_cfg": BN, "act_cfg": {"type": "PReLU"}},
            *(91, 70 + 13, 0, "features.2, features.5"),
        ),
    ],
)
def test_a_partial_match_says_what_was_left(
    state, options, loaded, missing, unused, text, tmp_path
):
    state = state()
    torch.save(state, tmp_path / "vgg.pth")
    backbone = small(**options)
    report = load_pretrained(backbone, tmp_path / "vgg.pth")
    assert (len(report.loaded), len(report.missing), len(report.unused)) == (
        loaded,
        missing,
        unused,
    )
    assert set(report.unused) <= set(state) and text in str(report)
    assert set(report.loaded) | set(report.missing) <= set(backbone.state_dict())


def test_a_detector_s_layers_behind_the_last_stage_are_left_out(tmp_path):
    """Some go on with narrower ones, as S3FD does."""
    state = caffe_names(vgg_state())
    for name, width in (("conv6_1", 64), ("conv7_1", 32)):
        state |= {f"{name}.weight": torch.ones(width, 128, 3, 3), f"{name}.bias": torch.ones(width)}
    torch.save(state, tmp_path / "s3fd.pth")
    report = load_pretrained(small(attention=None), tmp_path / "s3fd.pth")
    assert (len(report.loaded), report.missing, len(report.unused)) == (26, [], 4)


@pytest.mark.parametrize(
    ("state", "options", "message"),
    [
        (lambda: {"fc.weight": torch.ones(2)}, {}, r"match no key of a VGG.*'fc.weight'"),
        (lambda: vgg_state(19), {}, r"shape .*depth"),
        (lambda: vgg_state(16), {"depth": 19}, r"shape .*depth"),
        (
            lambda: vgg_state(19),
            {"num_stages": 3},
            r"has 4 convolutions of 64 channels and the model 3: build .* with the file's depth$",
        ),
        (lambda: vgg_state(13), {"depth": 11, "num_stages": 1}, r"has 2 .* of 16 .* the model 1:"),
        (
            lambda: ours(depth=13, num_stages=3, attention=None),
            {"num_stages": 3},
            r"has 2 convolutions of 64 channels and the model 3:",
        ),
        (
            lambda: ours(in_channels=4),
            {},
            r"features\.0\.weight has shape \(16, 4, 3, 3\) .* the file's in_channels, here 4$",
        ),
        (lambda: vgg_state(), {"base_channels": 32}, r"features.0.weight has shape \(16, 3"),
        (lambda: vgg_state(), {"prefix": "neck"}, r"match no key"),
        (lambda: {"features.0.weight": torch.ones(16, 3, 11, 11)}, {}, r"\(16, 3, 11, 11\)"),
        (lambda: {**vgg_state(), "features.0.bias": torch.ones(9)}, {}, r"has shape \(9,\)"),
        (
            lambda: vgg_state(),
            {"base_channels": 8, "attention": None},
            r"with the file's base_channels=16$",
        ),
        (lambda: vgg_state(16, True), {}, r"norm layers .* with norm_cfg=dict\(type='BN'\)$"),
        (
            lambda: vgg_state(16, True),
            {"norm_cfg": GN},
            r"has norm layers with bias, running_mean, running_var, weight, .* have bias, weight:",
        ),
        (lambda: ours(norm_cfg=GN), {"norm_cfg": BN}, r"with the file's norm_cfg$"),
        (lambda: ours(norm_cfg=GN), {}, r"no tensors: build the model with the file's norm_cfg$"),
        (
            lambda: ours(),
            {"attention_positions": (9, 16, 23, 30)},
            r"at 4, 9, 16, 23, 30 in the file and at 9, 16, 23, 30 in the model: "
            r"build the model with attention_positions=\(4, 9, 16, 23, 30\)$",
        ),
        (
            lambda: ours(),
            {"out_before_pool": True},
            r"at 3, 8, 15, 22, 29 in the model: .*attention_positions=\(4, 9, 16, 23\)$",
        ),
        (
            lambda: ours(attention_positions=(30,)),
            {"out_before_pool": True},
            r"at 30 in the file and at 3, .* with attention=None$",
        ),
        (
            lambda: ours(attention_positions=(9, 30)),
            {},
            r"at 9, 30 in the file and at 4, 9, 16, 23, 30 in .*attention_positions=\(9, 30\)$",
        ),
        (
            lambda: ours(),
            {"attention": None},
            r"at no place in the model: .* with the file's attention=dict\(type=...\) and att",
        ),
        (
            lambda: ours(),
            {"attention": {"type": "MultiScaleAttention", "spatial": False}},
            r"spatial_attention\.0\.bias has shape \(1,\) in the file and none in the model: build",
        ),
        (
            lambda: ours(),
            {"attention": {"type": "MultiScaleAttention", "reduction_ratio": 4}},
            r"attentions\.4\.channel_attention\.1\.bias has shape \(1,\) in the file and \(4,\) .*"
            r"with the file's attention, .* and the file's zero_init$",
        ),
    ],
)
def test_a_file_that_does_not_fit_changes_nothing(state, options, message, tmp_path):
    torch.save(state(), tmp_path / "vgg.pth")
    prefix = options.pop("prefix", None)
    backbone = small(**options)
    before = copy.deepcopy(backbone.state_dict())
    with pytest.raises(ValueError, match=message) as caught:
        load_pretrained(backbone, tmp_path / "vgg.pth", prefix=prefix)
    assert "vgg.pth" in str(caught.value) and "\n" not in str(caught.value)
    assert all(torch.equal(before[n], t) for n, t in backbone.state_dict().items())


@pytest.mark.parametrize(("kind", "prefix"), [("Pretrained", None), (PretrainedInit, "backbone")])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"norm_cfg": BN},
        {"norm_cfg": {"type": "BN", "affine": False}},
        {"norm_cfg": BN, "act_cfg": {"type": "PReLU"}},
        {"norm_cfg": {"type": "GN", "num_groups": 4}, "out_before_pool": True},
    ],
)
def test_trained_weights_come_back_bit_for_bit(options, kind, prefix, tmp_path):
    trained = small(zero_init=False, **options)
    randomise(trained)
    torch.save({"state_dict": prefixed("backbone.")(trained.state_dict())}, tmp_path / "ours.pth")
    pretrained = {"type": kind, "checkpoint": str(tmp_path / "ours.pth"), "prefix": prefix}
    parent = BaseModule(init_cfg=KAIMING)
    parent.backbone = small(init_cfg=[pretrained, KAIMING], **options)
    for _ in range(2):
        parent.init_weights()
        for name, tensor in trained.state_dict().items():
            assert torch.equal(parent.backbone.state_dict()[name], tensor), name
    assert parent.backbone.init_cfg == [pretrained, KAIMING]


def test_attention_behind_the_last_layer_is_left_out(tmp_path):
    trained = small(norm_cfg=BN, zero_init=False)
    randomise(trained)
    torch.save(prefixed("backbone.")(trained.state_dict()), tmp_path / "detector.pth")
    places = (4, 9, 16, 23)
    backbone = small(norm_cfg=BN, out_before_pool=True, attention_positions=places)
    report = load_pretrained(backbone, tmp_path / "detector.pth")
    assert report.missing == [] and len(report.unused) == 14
    assert all(name.startswith("backbone.attentions.30.") for name in report.unused)
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, trained.state_dict()[name]), name


def test_attention_behind_that_of_the_file_starts_as_the_identity(tmp_path):
    trained = small(out_before_pool=True, attention_positions=(4, 9, 16, 23), zero_init=False)
    randomise(trained)
    torch.save(prefixed("backbone.")(trained.state_dict()), tmp_path / "segmenter.pth")
    backbone = small()
    report = load_pretrained(backbone, tmp_path / "segmenter.pth")
    assert report.summary().endswith("attention 56 of 70); attention included")
    assert all(name.startswith("attentions.30.") for name in report.missing)
    x = torch.randn(1, 3, 64, 32)
    pooled = nn.functional.max_pool2d(trained.eval()(x)[-1], 2)
    assert torch.equal(backbone.eval()(x)[-1], pooled)


def test_other_attention_is_left_out_where_that_is_asked_for(tmp_path):
    torch.save(ours(zero_init=False), tmp_path / "vgg.pth")
    backbone = small(attention_positions="relu")
    before = copy.deepcopy(backbone.attentions.state_dict())
    report = load_pretrained(backbone, tmp_path / "vgg.pth", skip_other_attention=True)
    assert (len(report.loaded), len(report.missing), len(report.unused)) == (26, 70, 70)
    assert report.summary().endswith("attention 0 of 70); attention not included")
    assert all(torch.equal(before[n], t) for n, t in backbone.attentions.state_dict().items())


@pytest.mark.parametrize(
    ("state", "options", "line"),
    [
        (
            lambda: prefixed("backbone.")(ours(norm_cfg=BN)),
            {"norm_cfg": BN},
            " (prefix 'backbone.'): 161 of 161 tensors loaded (convolutions 26 of 26, norms 65 of "
            "65, attention 70 of 70); attention included",
        ),
        (
            lambda: vgg_state(),
            {},
            ": 26 of 96 tensors loaded (convolutions 26 of 26, attention 0 of 70); attention not "
            "included",
        ),
        (
            lambda: vgg_state(),
            {"attention": None, "norm_cfg": BN},
            ": 26 of 78 tensors loaded (convolutions 26 of 26, norms 0 of 52)",
        ),
        (
            lambda: ours(norm_cfg=NO_AFFINE, attention=None),
            {"attention": None, "norm_cfg": NO_AFFINE},
            ": 65 of 65 tensors loaded (convolutions 26 of 26, norms 39 of 39)",
        ),
    ],
)
def test_one_line_says_what_was_taken_and_stays_with_the_training(state, options, line, tmp_path):
    torch.save(state(), tmp_path / "vgg.pth")
    hub = MessageHub.get_instance("test_what_was_taken")
    report = load_pretrained(small(**options), tmp_path / "vgg.pth")
    assert report.summary() == f"{tmp_path / 'vgg.pth'}{line}"
    assert str(report).splitlines()[0] == f"Weights from {report.summary()}"
    assert hub.get_info(WEIGHTS_KEY) == report.summary()


def test_plain_weights_keep_the_identity_and_later_init_weights_keeps_both(tmp_path):
    torch.save(vgg_state(), tmp_path / "vgg.pth")
    backbone = small(init_cfg=KAIMING).eval()
    load_pretrained(backbone, tmp_path / "vgg.pth")
    bias = nn.init.ones_(backbone.attentions["4"].fusion_conv.bias)
    backbone.init_weights()
    assert bias.all()
    nn.init.zeros_(bias)
    x = torch.randn(1, 3, 64, 32)
    assert torch.equal(backbone(x)[-1], vgg_features(16, narrow=4)(x))


@pytest.mark.skipif(not IMAGENET.is_file(), reason=f"no ImageNet VGG16 at {IMAGENET}")
def test_the_imagenet_file_loads_its_26_tensors():
    backbone = MSAVGG()
    report = load_pretrained(backbone, IMAGENET)
    assert (len(report.loaded), len(report.missing), report.unused) == (26, ATTENTION_TENSORS, [])
    weight, saved = backbone.features[28].weight, torch.load(IMAGENET)["features.28.weight"]
    assert weight.dtype == torch.float32 and torch.equal(weight.half(), saved)
