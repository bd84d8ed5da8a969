"""The U-Net head in mmseg's EncoderDecoder: any backbone, mmseg's losses, the image's size."""

import subprocess
import sys

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import DefaultScope

pytest.importorskip("mmcv")
pytest.importorskip("mmseg")

from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn

import msa_backbone  # noqa: F401

OURS = {
    "type": "MSAVGG",
    "base_channels": 8,
    "out_before_pool": True,
    "attention": {"type": "MultiScaleAttention", "reduction_ratio": 4},
}
HEAD = {
    "type": "UNetHead",
    "in_channels": (8, 16, 32, 64, 64),
    "decoder_channels": (8, 8, 16, 16, 16),
    "zero_init": False,
    "num_classes": 4,
}


def segmentor(backbone=OURS, head=None, **options) -> nn.Module:
    torch.manual_seed(0)
    cfg = {
        "type": "EncoderDecoder",
        "data_preprocessor": {"type": "SegDataPreProcessor", "size": (64, 64)},
        "backbone": backbone,
        "decode_head": {**HEAD, **(head or {})},
        "train_cfg": {},
        "test_cfg": ConfigDict(mode="whole"),
        **options,
    }
    with DefaultScope.overwrite_default_scope("mmseg"):
        model = MODELS.build(cfg)
        model.init_weights()
    return model


def batch(size=(64, 64), images=2, classes=4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(images, 3, *size, generator=generator)
    labels = torch.randint(0, classes, (images, 1, *size), generator=generator)
    samples = []
    for label in labels:
        sample = SegDataSample(
            metainfo={"img_shape": size, "ori_shape": size, "padding_size": [0] * 4}
        )
        sample.gt_sem_seg = PixelData(data=label)
        samples.append(sample)
    return inputs, samples


BACKBONES = {
    "MSAVGG": (OURS, {}),
    "plain VGG": ({**OURS, "attention": None}, {}),
    "mmseg's ResNet": (
        {"type": "ResNetV1c", "depth": 18, "base_channels": 16, "stem_channels": 16},
        {"in_channels": (16, 32, 64, 128), "decoder_channels": (8, 16, 16, 16)},
    ),
    "mmseg's MixVisionTransformer": (
        {
            "type": "MixVisionTransformer",
            "embed_dims": 8,
            "num_layers": [1, 1, 1, 1],
            "num_heads": [1, 2, 4, 8],
        },
        {"in_channels": (8, 16, 32, 64), "decoder_channels": (8, 16, 16, 16)},
    ),
}


@pytest.mark.parametrize("name", BACKBONES)
def test_trains_and_predicts_with_any_backbone(name):
    backbone, head = BACKBONES[name]
    model = segmentor(backbone, head)
    inputs, samples = batch()
    losses = model.train().loss(inputs, samples)
    assert losses.keys() == {"decode.loss_ce", "decode.acc_seg"}
    losses["decode.loss_ce"].backward()
    for parameter_name, parameter in model.decode_head.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), parameter_name
        assert parameter.grad.abs().sum() > 0, parameter_name
    inputs, samples = batch((97, 131))
    results = model.eval().predict(inputs, samples)
    assert results[0].seg_logits.data.shape == (4, 97, 131)
    assert results[0].pred_sem_seg.data.shape == (1, 97, 131)


def test_logits_have_the_images_size_before_any_resizing():
    model = segmentor().eval()
    assert model._forward(torch.randn(1, 3, 97, 131)).shape == (1, 4, 97, 131)


def test_the_loss_is_cross_entropy_over_the_pixels_that_count():
    model = segmentor(head={"dropout_ratio": 0}).train()
    inputs, samples = batch()
    samples[0].gt_sem_seg.data[:, :32] = 255
    labels = torch.cat([sample.gt_sem_seg.data for sample in samples])
    logits = model._forward(inputs)
    chosen = logits.permute(0, 2, 3, 1).log_softmax(-1)
    counted = labels != 255
    picked = chosen.gather(-1, labels.clamp(max=3)[..., None])[..., 0][counted]
    # mmseg averages over all pixels unless told otherwise
    expected = -picked.sum() / labels.numel()
    loss = model.loss(inputs, samples)["decode.loss_ce"]
    torch.testing.assert_close(loss, expected, rtol=1e-4, atol=1e-5)


def test_options_of_mmseg_heads():
    """Several losses, an auxiliary head, a sampler, and one logit for two classes."""
    auxiliary = {
        "type": "FCNHead",
        "in_channels": 64,
        "in_index": 3,
        "channels": 8,
        "num_classes": 4,
        "loss_decode": {"type": "CrossEntropyLoss", "loss_weight": 0.4},
    }
    losses = [
        {"type": "CrossEntropyLoss", "loss_name": "loss_ce"},
        {"type": "DiceLoss", "loss_name": "loss_dice", "loss_weight": 3.0},
    ]
    model = segmentor(head={"loss_decode": losses, "align_corners": True}, auxiliary_head=auxiliary)
    assert {block.align_corners for block in model.decode_head.decoder.levels} == {True}
    names = model.loss(*batch()).keys()
    assert names >= {"decode.loss_ce", "decode.loss_dice", "aux.loss_ce"}

    # All pixels but the 100 that are hardest have weight 0: the mean over all falls.
    sampler = {"type": "OHEMPixelSampler", "min_kept": 100}
    hard, all_pixels = (
        segmentor(head={"sampler": s, "dropout_ratio": 0}).loss(*batch())["decode.loss_ce"]
        for s in (sampler, None)
    )
    assert 0 < hard < 0.1 * all_pixels

    binary = {
        "num_classes": 2,
        "out_channels": 1,
        "threshold": 0.5,
        "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": True},
    }
    model = segmentor(head=binary)
    assert model.loss(*batch(classes=2))["decode.loss_ce"].isfinite()
    model.eval()
    predicted = model.predict(*batch(classes=2))[0]
    assert predicted.seg_logits.data.shape == (1, 64, 64)
    expected = predicted.seg_logits.data > 0.5  # which mmseg passed through the sigmoid
    assert torch.equal(predicted.pred_sem_seg.data.bool(), expected)


def test_in_index_chooses_the_maps():
    head = {"in_index": (1, 4), "in_channels": (16, 64), "decoder_channels": (8, 8)}
    model = segmentor(head=head).eval()
    assert model._forward(torch.randn(1, 3, 64, 48)).shape == (1, 4, 32, 24)


@pytest.mark.parametrize("zero_init", [True, False])
def test_zero_init_holds_after_init_weights(zero_init):
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 4}
    kaiming = {"type": "Kaiming", "layer": "Conv2d"}
    model = segmentor(head={"attention": attention, "zero_init": zero_init, "init_cfg": kaiming})
    levels = model.decode_head.decoder.levels
    assert len(levels) == 4
    for level in levels:
        for last in (level.attention.fusion_conv, level.convs[-1]):
            assert last.weight.any() == (not zero_init)


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ({"in_index": (0, 1)}, "in_index"),
        ({"decoder_channels": (8, 8)}, "a level's channels for each"),
    ],
)
def test_refuses_what_does_not_fit(head, words):
    with pytest.raises(ValueError, match=words):
        segmentor(head=head)


@pytest.mark.slow
def test_found_from_an_mmseg_config_by_custom_imports_alone(tmp_path):
    config = tmp_path / "config.py"
    config.write_text(
        "custom_imports = dict(imports=['msa_backbone'], allow_failed_imports=False)\n"
        f"model = {dict(HEAD)!r}\n"
    )
    code = (
        "import sys; from mmengine.config import Config; "
        f"cfg = Config.fromfile({str(config)!r}); "
        "assert not any(m.split('.')[0] in ('mmseg', 'mmdet', 'mmcv') for m in sys.modules); "
        "from mmseg.registry import MODELS; print(type(MODELS.build(cfg.model)).__name__)"
    )
    env = {"PYTHONPATH": ":".join(filter(None, sys.path)), "PATH": ""}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split()[-1] == "UNetHead"
