"""The article's classifier against torchvision's VGG16, and its parameter counts."""

import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from references import vgg_features
from torch import Tensor, nn
from torchvision.models import vgg16

from msa_backbone import MSAVGG, vgg16_msa
from msa_backbone.backbones import VGGClassifier

VGG16_PARAMETERS = 138_357_544
VGG16_CONV_PARAMETERS = 14_714_688


def count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def on_meta(build, **options) -> nn.Module:
    """Shapes without memory: the linear layers alone hold half a gigabyte."""
    with torch.device("meta"):
        return build(**options)


def classifier_state(num_classes: int) -> dict[str, Tensor]:
    """Linear layers of torchvision's shapes; the rows of the large ones share memory."""
    generator = torch.Generator().manual_seed(0)
    state = {}
    for index, outputs, inputs in ((0, 4096, 25088), (3, 4096, 4096), (6, num_classes, 4096)):
        row = torch.randn(1, inputs, generator=generator) / inputs**0.5
        state[f"classifier.{index}.weight"] = row.expand(outputs, inputs)
        state[f"classifier.{index}.bias"] = torch.rand(outputs, generator=generator)
    return state


@pytest.mark.parametrize(
    ("ratio", "percent_of_convolutions"), [(8, "20.8"), (16, "10.4"), (32, "5.2")]
)
def test_parameters_the_attention_adds(ratio, percent_of_convolutions):
    attention = {"type": "MultiScaleAttention", "reduction_ratio": ratio}
    backbone = on_meta(MSAVGG, attention=attention)
    assert count(on_meta(MSAVGG, attention=None)) == VGG16_CONV_PARAMETERS
    added = count(backbone) - VGG16_CONV_PARAMETERS
    assert f"{100 * added / VGG16_CONV_PARAMETERS:.1f}" == percent_of_convolutions
    if ratio == 16:
        assert added == count(backbone.attentions) == 1_529_812
        assert f"{100 * added / VGG16_PARAMETERS:.1f}" == "1.1"
    assert count(on_meta(vgg16_msa, reduction_ratio=ratio)) == VGG16_PARAMETERS + added


def test_names_and_shapes_are_torchvisions():
    plain, ours = on_meta(vgg16).state_dict(), on_meta(vgg16_msa).state_dict()
    assert {n: t.shape for n, t in plain.items()} == {
        n: t.shape for n, t in ours.items() if not n.startswith("attentions.")
    }


def test_arguments_reach_their_layers():
    model = on_meta(
        vgg16_msa,
        num_classes=7,
        attention_positions=(9, 23),
        reduction_ratio=32,
        in_channels=1,
        dropout=0.25,
        zero_init=False,
    )
    assert model.classifier[6].out_features == model.num_classes == 7
    assert list(model.attentions) == ["9", "23"]
    assert model.attentions["9"].conv1x1.weight.shape == (4, 128, 1, 1)
    assert model.features[0].in_channels == 1
    assert [m.p for m in model.classifier if isinstance(m, nn.Dropout)] == [0.25, 0.25]
    assert not model.attentions["9"].zero_init and on_meta(vgg16_msa).attentions["9"].zero_init
    deep = on_meta(VGGClassifier, depth=19, norm_cfg={"type": "BN"}, attention=None)
    assert [type(m) for m in deep.features].count(nn.BatchNorm2d) == 16


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> tuple[VGGClassifier, dict[str, Tensor], list[str]]:
    """A classifier of 10 classes with the weights of one of 1000, those weights, the log."""
    features = vgg_features(16).state_dict()
    state = {f"features.{n}": t for n, t in features.items()} | classifier_state(1000)
    path, log = tmp_path_factory.mktemp("weights") / "vgg16.pth", []
    torch.save(state, path)
    with pytest.MonkeyPatch.context() as patch:
        logger = MMLogger.get_current_instance()
        patch.setattr(logger, "info", log.append)
        model = vgg16_msa(num_classes=10, weights=str(path))
    return model, state, log


def test_another_number_of_classes_keeps_the_last_layer(loaded):
    model, state, (report,) = loaded
    for name, tensor in model.state_dict().items():
        if name in state and not name.startswith("classifier.6."):
            assert torch.equal(tensor, state[name]), name
    assert model.classifier[6].weight.shape == (10, 4096)
    assert model.classifier[6].weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert ": 30 of " in report
    assert "classifier.6.weight has another number of classes" in report


@pytest.mark.parametrize("size", [(224, 224), (32, 70)])
def test_logits_are_torchvisions(loaded, size):
    model = loaded[0]
    plain = on_meta(vgg16, num_classes=10).eval()
    state = model.state_dict()
    plain.load_state_dict({n: state[n] for n in plain.state_dict()}, assign=True)
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        logits, expected = model.eval()(x), plain(x)
    assert logits.shape == (1, 10) and expected.std() > 1e-3
    assert torch.equal(logits, expected)


def test_initialisation_by_a_parent_leaves_loaded_weights(loaded):
    model, state, _ = loaded
    bias = model.attentions["30"].fusion_conv.bias
    nn.init.ones_(bias)
    parent = BaseModule()
    parent.model = model
    parent.init_weights()
    assert bias.all()
    assert torch.equal(model.features[0].weight, state["features.0.weight"])
    nn.init.zeros_(bias)


def test_dropout_acts_in_training_only(loaded):
    model = loaded[0]
    features = torch.ones(1, 25088)
    with torch.no_grad():
        first, second = (model.train().classifier(features) for _ in range(2))
        assert not torch.equal(first, second)
        first, second = (model.eval().classifier(features) for _ in range(2))
        assert torch.equal(first, second)
