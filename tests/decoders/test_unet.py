"""The U-Net decoder against loops written out by hand, and as a contract."""

import math

import pytest
import torch
from mmengine.model import BaseModule
from references import multi_scale_attention, randomise
from torch import nn

from msa_backbone.decoders import UNetDecoder

CHANNELS = (3, 4, 5)
SIZES = ((7, 5), (4, 3), (2, 2))


def features(channels=CHANNELS, sizes=SIZES, batch=2, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(batch, c, *size, generator=generator, dtype=dtype)
        for c, size in zip(channels, sizes, strict=True)
    ]


def bilinear(x, height, width, align_corners):
    """Bilinear interpolation of (C, h, w), one output pixel at a time."""
    channels, h, w = x.shape
    out = torch.zeros(channels, height, width, dtype=x.dtype)

    def place(index, size, new_size):
        if align_corners:
            at = index * (size - 1) / (new_size - 1) if new_size > 1 else 0.0
        else:
            at = max((index + 0.5) * size / new_size - 0.5, 0.0)
        low = min(math.floor(at), size - 1)
        return low, min(low + 1, size - 1), at - low

    for row in range(height):
        top, bottom, down = place(row, h, height)
        for column in range(width):
            left, right, across = place(column, w, width)
            upper = (1 - across) * x[:, top, left] + across * x[:, top, right]
            lower = (1 - across) * x[:, bottom, left] + across * x[:, bottom, right]
            out[:, row, column] = (1 - down) * upper + down * lower
    return out


def convolve(x, weight, bias):
    """Zero-padded convolution of (C, H, W) that keeps height and width, as four loops."""
    outputs, _, kernel, _ = weight.shape
    pad = kernel // 2
    _, height, width = x.shape
    out = bias[:, None, None].repeat(1, height, width).clone()
    for o in range(outputs):
        for row in range(height):
            for column in range(width):
                for dy in range(kernel):
                    for dx in range(kernel):
                        y, z = row + dy - pad, column + dx - pad
                        if 0 <= y < height and 0 <= z < width:
                            out[o, row, column] += weight[o, :, dy, dx] @ x[:, y, z]
    return out


def normalise(x, state, name):
    """Batch norm in eval mode, of (C, H, W)."""
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    scaled = (x - mean[:, None, None]) / (var[:, None, None] + 1e-5) ** 0.5
    return scaled * state[f"{name}.weight"][:, None, None] + state[f"{name}.bias"][:, None, None]


def reference(state, maps, align_corners=False, residual=True, attention=False):
    """The decoder of one sample from its state dict: maps are (C, H, W), the finest first."""
    laterals = []
    for i, x in enumerate(maps):
        name = f"laterals.{i}"
        x = convolve(x, state[f"{name}.0.weight"], state[f"{name}.0.bias"])
        laterals.append(normalise(x, state, f"{name}.1"))
    *skips, x = laterals
    for i in reversed(range(len(skips))):
        name, skip = f"levels.{i}", skips[i]
        # The other order than the decoder's: first to the larger size, then the 1x1 convolution.
        up = bilinear(x, *skip.shape[1:], align_corners)
        up = convolve(up, state[f"{name}.up_conv.weight"], state[f"{name}.up_conv.bias"])
        x = torch.cat([skip, up])
        for conv, norm in ((0, 1), (3, 4)):
            layer = f"{name}.convs"
            x = convolve(x, state[f"{layer}.{conv}.weight"], state[f"{layer}.{conv}.bias"])
            x = normalise(x, state, f"{layer}.{norm}")
            if conv == 0 or not residual:
                x = x.clamp(min=0)
        if residual:
            x = skip + up + x
        if attention:
            prefix = f"{name}.attention."
            gates = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            x = multi_scale_attention(gates, x[None])[0]
    return x


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("attention", [False, True])
def test_equals_the_reference(align_corners, residual, attention):
    torch.manual_seed(1)
    decoder = UNetDecoder(
        CHANNELS,
        (2, 6, 4),
        residual=residual,
        attention={"type": "MultiScaleAttention", "reduction_ratio": 2} if attention else None,
        zero_init=False,
        align_corners=align_corners,
    )
    decoder.double().eval()
    randomise(decoder)
    maps = features()
    out = decoder(maps)
    assert out.shape == (2, 2, 7, 5)
    for sample in range(2):
        expected = reference(
            decoder.state_dict(), [x[sample] for x in maps], align_corners, residual, attention
        )
        torch.testing.assert_close(out[sample], expected, rtol=1e-10, atol=1e-10)


def test_starts_as_the_sum_of_all_maps():
    """At zero_init no convolution adds anything: a linear path from every map to the output."""
    torch.manual_seed(0)
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 2}
    decoder = UNetDecoder(CHANNELS, (2, 6, 4), attention=attention).double().eval()
    maps = features()
    state = decoder.state_dict()
    for sample in range(2):
        laterals = [
            normalise(
                convolve(x[sample], state[f"laterals.{i}.0.weight"], state[f"laterals.{i}.0.bias"]),
                state,
                f"laterals.{i}.1",
            )
            for i, x in enumerate(maps)
        ]
        total = laterals[2]
        for i in (1, 0):
            up = bilinear(total, *SIZES[i], False)
            name = f"levels.{i}.up_conv"
            total = laterals[i] + convolve(up, state[f"{name}.weight"], state[f"{name}.bias"])
        torch.testing.assert_close(decoder(maps)[sample], total, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "sizes",
    [
        ((97, 131), (48, 65), (24, 32), (12, 16)),  # VGG's of an odd image
        ((9, 9), (9, 9), (5, 5), (5, 5)),  # strides that do not grow
        ((8, 8), (3, 5), (1, 1), (2, 4)),  # no order at all
    ],
)
def test_any_sizes_come_back_in_the_first_ones(sizes):
    channels = (3, 4, 5, 6)
    decoder = UNetDecoder(channels, (8, 8, 8, 8))
    out = decoder(features(channels, sizes, dtype=torch.float32))
    assert out.shape == (2, 8, *sizes[0])
    assert decoder.out_channels == 8


@pytest.mark.parametrize("channels_last", [False, True])
def test_every_parameter_gets_a_gradient(channels_last):
    torch.manual_seed(0)
    decoder = UNetDecoder(
        CHANNELS,
        (8, 8, 8),
        attention={"type": "MultiScaleAttention", "reduction_ratio": 1},
        zero_init=False,
    )
    maps = features(dtype=torch.float32)
    if channels_last:
        maps = [x.contiguous(memory_format=torch.channels_last) for x in maps]
    (decoder(maps) * features((8,), SIZES[:1], seed=1, dtype=torch.float32)[0]).sum().backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_gradcheck():
    torch.manual_seed(0)
    norm = {"type": "GN", "num_groups": 1}
    decoder = UNetDecoder(
        (2, 3), (2, 2), norm_cfg=norm, act_cfg={"type": "GELU"}, zero_init=False
    ).double()
    maps = [x.requires_grad_() for x in features((2, 3), ((3, 3), (2, 2)), batch=1)]
    assert torch.autograd.gradcheck(lambda *x: decoder(x), maps)


def test_the_scale_of_a_map_is_irrelevant():
    """Caffe VGG16's maps differ by hundreds; the largest must not drown the others."""
    torch.manual_seed(0)
    decoder = UNetDecoder(CHANNELS, (4, 6, 6))
    maps = features(dtype=torch.float32)
    scaled = [maps[0] * 500, *maps[1:]]
    nn.init.zeros_(decoder.laterals[0][0].bias)
    torch.testing.assert_close(decoder(maps), decoder(scaled), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"num_convs": 1}, nn.Conv2d),
        ({"residual": False}, nn.ReLU),
        ({"act_cfg": {"type": "GELU"}}, nn.GELU),
        ({"norm_cfg": {"type": "GN", "num_groups": 2}}, nn.GroupNorm),
    ],
)
def test_options_change_the_layers(options, kind):
    def count(decoder):
        return sum(isinstance(module, kind) for module in decoder.modules())

    default, changed = UNetDecoder((3, 4), (4, 4)), UNetDecoder((3, 4), (4, 4), **options)
    assert count(default) != count(changed)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"channels": (4, 4)}, "a level's channels for each"),
        ({"in_channels": (3,), "channels": (4,)}, "two or more"),
        ({"num_convs": 0}, "num_convs=0"),
        ({"norm_cfg": None}, "norm_cfg"),
        ({"norm_cfg": {"type": "IN"}}, "InstanceNorm2d has no weight.*zero_init=False"),
        (
            {"norm_cfg": {"type": "BN", "requires_grad": False}},
            "BatchNorm2d has no weight that could .* learn: .*requires_grad=True, or zero_init=Fal",
        ),
        ({"attention": {"type": "MultiScaleAttention", "ratio": 2}}, "'ratio'"),
    ],
)
def test_refuses_options_that_do_not_fit(options, words):
    with pytest.raises(ValueError, match=words):
        UNetDecoder(**{"in_channels": CHANNELS, "channels": (4, 6, 6), **options})


def test_refuses_other_feature_maps():
    decoder = UNetDecoder(CHANNELS, (4, 6, 6))
    with pytest.raises(ValueError, match=r"\(3, 4\).*\(3, 4, 5\)"):
        decoder(features(dtype=torch.float32)[:2])


def test_deformable_convolutions_keep_the_regular_grid():
    pytest.importorskip("mmcv.ops")

    class Head(BaseModule):
        def __init__(self) -> None:
            super().__init__(init_cfg={"type": "Kaiming", "layer": "Conv2d"})
            self.decoder = UNetDecoder((4, 8), (4, 8), conv_cfg={"type": "DCN", "bias": False})

    head = Head()
    head.init_weights()
    offsets = [value for name, value in head.named_parameters() if "conv_offset" in name]
    assert offsets and not any(value.any() for value in offsets)
