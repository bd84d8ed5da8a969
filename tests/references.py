"""Independent oracles: the article's formula and torchvision's VGG, without this package."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

LETTERS = {11: "A", 13: "B", 16: "D", 19: "E"}  # torchvision's names of the depths


def multi_scale_attention(
    state: dict[str, Tensor],
    x: Tensor,
    channel: bool = True,
    spatial: bool = True,
    gate_norm: bool = False,
) -> Tensor:
    """The published form from its state-dict names, in the dtype of x."""

    def conv(name: str, value: Tensor, padding: int = 0) -> Tensor:
        return F.conv2d(value, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    scales = (conv("conv1x1", x), conv("conv3x3", x, 1), conv("conv5x5", x, 2))
    branch = conv("fusion_conv", torch.cat(scales, 1))
    if channel:
        squeezed = x.mean(dim=(2, 3), keepdim=True)
        if gate_norm:
            squeezed = squeezed / (squeezed**2).mean(dim=1, keepdim=True) ** 0.5
        hidden = F.relu(conv("channel_attention.1", squeezed))
        branch = branch * torch.sigmoid(conv("channel_attention.3", hidden))
    if spatial:
        statistics = (
            torch.max(x, dim=1, keepdim=True)[0],
            torch.mean(x, dim=1, keepdim=True),
            torch.std(x, dim=1, keepdim=True),
        )
        if gate_norm:
            statistics = [s / (s**2).mean(dim=(2, 3), keepdim=True) ** 0.5 for s in statistics]
        branch = branch * torch.sigmoid(conv("spatial_attention.0", torch.cat(statistics, 1), 3))
    return x + branch


def multi_modal_attention(
    state: dict[str, Tensor],
    maps: list[Tensor],
    channel: bool = True,
    spatial: bool = True,
    gate_norm: bool = False,
    pass_through: bool = False,
    present: list[list[float]] | None = None,
) -> Tensor:
    """The formula for several modalities, sample by sample, in the dtype of the maps."""

    def conv(name: str, value: Tensor, padding: int = 0) -> Tensor:
        return F.conv2d(value, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def rms(value: Tensor) -> Tensor:
        return value.square().mean().sqrt() if gate_norm else torch.ones_like(value.mean())

    results = []
    for n in range(len(maps[0])):
        there = [1.0] * len(maps) if present is None else present[n]
        averages, statistics = [], []
        for x, flag in zip(maps, there, strict=True):
            average = x[n].mean(dim=(1, 2))
            averages.append(flag * average / rms(average))
            deviation = x[n].std(0) if len(x[n]) > 1 else torch.zeros_like(x[n, 0])
            for statistic in (x[n].amax(0), x[n].mean(0), deviation):
                statistics.append(flag * statistic / rms(statistic))
        seen, places = torch.cat(averages)[:, None, None], torch.stack(statistics)
        y = maps[0][n]
        for m, (x, flag) in enumerate(zip(maps, there, strict=True)):
            at = f"others.{m}." if m else ""
            scales = [conv(f"{at}conv{k}x{k}", x[n], k // 2) for k in (1, 3, 5)]
            f = conv(f"{at}fusion_conv", torch.cat(scales))
            if channel:
                hidden = F.relu(conv(f"{at}channel_attention.1", seen))
                f = f * torch.sigmoid(conv(f"{at}channel_attention.3", hidden))
            if spatial:
                f = f * torch.sigmoid(conv(f"{at}spatial_attention.0", places, 3))
            if pass_through and m:
                weight = state[f"{at}pass_through.projection.weight"][:, :, 0, 0]
                projected = torch.einsum("oc,chw->ohw", weight, x[n])
                f = f + state[f"{at}pass_through.scale"] * projected
            y = y + flag * f
        results.append(y)
    return torch.stack(results)


def fused(
    kind: str,
    state: dict[str, Tensor],
    maps: list[Tensor],
    present: list[list[float]] | None = None,
) -> Tensor:
    """The simpler fusions, location by location: 'sum', 'concat', 'se' or 'cbam'."""

    def linear(name: str, value: Tensor) -> Tensor:
        return state[f"{name}.weight"].flatten(1) @ value + state[f"{name}.bias"]

    results = []
    for n, reference in enumerate(maps[0]):
        there = [1.0] * len(maps) if present is None else present[n]
        seen = [flag * x[n] for x, flag in zip(maps, there, strict=True)]
        y = reference.clone()
        _, height, width = y.shape
        averages = torch.cat([x.mean((1, 2)) for x in seen])
        maxima = torch.cat([x.amax((1, 2)) for x in seen])
        places = torch.cat([torch.stack([x.mean(0), x.amax(0)]) for x in seen])
        for m in range(len(maps) - 1):
            if kind in ("se", "cbam"):
                pooled = [averages] if kind == "se" else [averages, maxima]
                at = f"channel_gates.{m}"
                logits = [linear(f"{at}.2", F.relu(linear(f"{at}.0", p))) for p in pooled]
                gate = torch.sigmoid(sum(logits))[:, None, None].expand_as(y)
                if kind == "cbam":
                    kernel, bias = (state[f"spatial_gates.{m}.{t}"] for t in ("weight", "bias"))
                    gate = gate * torch.sigmoid(F.conv2d(places[None], kernel, bias, padding=3)[0])
            for i in range(height):
                for j in range(width):
                    value = seen[m + 1][:, i, j]
                    if kind == "sum" and f"projections.{m}.weight" in state:
                        value = there[m + 1] * linear(f"projections.{m}", value)
                    elif kind in ("se", "cbam"):
                        weight = state[f"projections.{m}.projection.weight"].flatten(1)
                        value = gate[:, i, j] * (weight @ value)
                        value = state[f"projections.{m}.scale"].flatten() * value
                    if kind != "concat":
                        y[:, i, j] += value
        if kind == "concat":
            for i in range(height):
                for j in range(width):
                    y[:, i, j] += linear("projection", torch.cat([x[:, i, j] for x in seen]))
        results.append(y)
    return torch.stack(results)


def vgg_features(depth: int, batch_norm: bool = False, narrow: int = 1) -> nn.Sequential:
    """torchvision's `vggXX().features`, channels divided by `narrow`, in eval mode."""
    layers = [c if c == "M" else c // narrow for c in cfgs[LETTERS[depth]]]
    features = make_layers(layers, batch_norm)
    generator = torch.Generator().manual_seed(depth)
    for module in features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    randomise(features)
    return features.eval()


def multi_modal_vgg(
    state: dict[str, Tensor],
    pictures: list[Tensor],
    positions: tuple[int, ...],
    fuse: Callable[[int, list[Tensor]], Tensor],
    depth: int = 16,
    exchange: Callable[[int, int, list[Tensor]], Tensor] | None = None,
) -> list[Tensor]:
    """What each pool of the first stream gives; `fuse` makes its map at a position of all maps.

    `exchange` makes that of another stream, by the number of its modality, of the same maps.
    """
    kinds = []
    for entry in cfgs[LETTERS[depth]]:
        kinds += ["pool"] if entry == "M" else ["conv", "relu"]
    maps, outputs = list(pictures), []
    for index, kind in enumerate(kinds):
        for m, x in enumerate(maps):
            name = f"streams.{m}.features.{index}" if m else f"features.{index}"
            if kind == "conv" and f"{name}.weight" in state:
                maps[m] = F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)
            elif kind == "relu":
                maps[m] = F.relu(x)
            elif kind == "pool":
                maps[m] = F.max_pool2d(x, 2)
        if index in positions:
            seen = list(maps)
            maps[0] = fuse(index, seen)
            if exchange and index != positions[-1]:
                maps[1:] = [exchange(index, m, seen) for m in range(1, len(maps))]
        if kind == "pool":
            outputs.append(maps[0])
    return outputs


def layers_before(features: nn.Sequential, kind: type, before_pool: bool) -> list[int]:
    """Index, per stage, of the pool, or of the last `kind` before it."""
    indices, last = [], None
    for index, module in enumerate(features):
        if isinstance(module, nn.MaxPool2d):
            indices.append(last if before_pool else index)
        elif isinstance(module, kind):
            last = index
    return indices


def stage_outputs(features: nn.Sequential, x: Tensor, before_pool: bool = False) -> list[Tensor]:
    """Output of every stage's pool, or of its last ReLU."""
    wanted, outputs = layers_before(features, nn.ReLU, before_pool), []
    for index, module in enumerate(features):
        x = module(x)
        if index in wanted:
            outputs.append(x.clone())
    return outputs


def randomise(model: nn.Module, seed: int = 0) -> None:
    """Norms that do something and biases that are not zero, by seed."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and tensor.dim() == 1:
            noise = torch.rand(tensor.shape, generator=generator)
            tensor.copy_(noise - 0.5 if name.endswith(("bias", "running_mean")) else noise + 0.5)


def output_and_gradients(function, tensors, seed: int = 0) -> list[torch.Tensor]:
    """Output for the first tensor, then all gradients of a weighted sum that no dtype changes."""
    y = function(tensors[0])
    generator = torch.Generator().manual_seed(seed)
    weights = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y)
    return [y.detach(), *torch.autograd.grad(y, tensors, weights)]


def _rms_norm(x: Tensor, gain: Tensor) -> Tensor:
    return x / (x.square().mean(-1, keepdim=True) + torch.finfo(x.dtype).eps).sqrt() * gain


def _heads(state: dict[str, Tensor], prefix: str, x: Tensor, heads: int) -> list[Tensor]:
    """Queries, keys and values as (N, heads, h / heads, H, W), normalised where they should be."""
    weight, bias = state[f"{prefix}.qkv.weight"][:, :, 0, 0], state[f"{prefix}.qkv.bias"]
    projected = torch.einsum("oc,nchw->nohw", weight, x) + bias[:, None, None]
    parts = [part.unflatten(1, (heads, -1)) for part in projected.chunk(3, dim=1)]
    for index, name in enumerate(("q_norm", "k_norm")):
        gain = state[f"{prefix}.{name}.weight"]
        parts[index] = _rms_norm(parts[index].movedim(2, -1), gain).movedim(-1, 2)
    return parts


def _project_out(state: dict[str, Tensor], x: Tensor, attended: Tensor) -> Tensor:
    weight, bias = state["out.weight"][:, :, 0, 0], state["out.bias"]
    return x + torch.einsum("oc,nchw->nohw", weight, attended) + bias[:, None, None]


def linear_attention(state: dict[str, Tensor], x: Tensor, heads: int) -> Tensor:
    """Every location looks at every other: all H * W x H * W weights written out."""
    q, k, v = (part.flatten(3) for part in _heads(state, "heads", x, heads))
    similarity = torch.einsum("ngdi,ngdj->ngij", F.elu(q) + 1, F.elu(k) + 1)
    attended = torch.einsum("ngij,ngdj->ngdi", similarity / similarity.sum(-1, keepdim=True), v)
    return _project_out(state, x, attended.flatten(1, 2).unflatten(2, x.shape[2:]))


def axial_attention(state: dict[str, Tensor], x: Tensor, heads: int) -> Tensor:
    """Column by column, then row by row."""

    def line(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """(N, heads, d, L) each, softmax over the line's L places."""
        weights = (torch.einsum("ngdi,ngdj->ngij", q, k) / q.shape[2] ** 0.5).softmax(-1)
        return torch.einsum("ngij,ngdj->ngdi", weights, v)

    parts = _heads(state, "along_height", x, heads)
    columns = [line(*(part[..., i] for part in parts)) for i in range(x.shape[3])]
    parts = _heads(state, "along_width", torch.stack(columns, -1).flatten(1, 2), heads)
    rows = [line(*(part[..., i, :] for part in parts)) for i in range(x.shape[2])]
    return _project_out(state, x, torch.stack(rows, -2).flatten(1, 2))


def bilinear(plane: Tensor, row: float, column: float) -> float:
    """A plane's value between its pixels, zero outside of it."""
    value, top, left = 0.0, math.floor(row), math.floor(column)
    for i in (top, top + 1):
        for j in (left, left + 1):
            if 0 <= i < plane.shape[0] and 0 <= j < plane.shape[1]:
                value += (1 - abs(row - i)) * (1 - abs(column - j)) * plane[i, j].item()
    return value


def deformable_scale(
    x: Tensor, weight: Tensor, bias: Tensor, offsets: Tensor, modulation: Tensor
) -> Tensor:
    """Deformable convolution of one sample in loops; offsets as (row, column) of each tap."""
    outputs, (_, height, width), size = weight.shape[0], x.shape, weight.shape[-1]
    y = bias[:, None, None].expand(outputs, height, width).clone()
    for i in range(height):
        for j in range(width):
            for tap in range(size * size):
                row = i + tap // size - size // 2 + offsets[2 * tap, i, j].item()
                column = j + tap % size - size // 2 + offsets[2 * tap + 1, i, j].item()
                sample = x.new_tensor([bilinear(plane, row, column) for plane in x])
                kernel = weight[:, :, tap // size, tap % size]
                y[:, i, j] += modulation[tap, i, j] * (kernel @ sample)
    return y


def language_conditioned_attention(
    state: dict[str, Tensor],
    x: Tensor,
    sentence: Tensor,
    channel: bool = True,
    spatial: bool = True,
    gate_norm: bool = False,
    modulate: bool = False,
) -> Tensor:
    """Multi-Scale Attention whose gates take a sentence, sample by sample and place by place."""

    def conv(name: str, value: Tensor, padding: int = 0) -> Tensor:
        bias = state.get(f"{name}.bias")
        return F.conv2d(value, state[f"{name}.weight"], bias, padding=padding)

    def rms(value: Tensor) -> Tensor:
        return value.square().mean().sqrt() if gate_norm else torch.ones_like(value.mean())

    results = []
    for features, q in zip(x, sentence, strict=True):
        if modulate:
            scale, shift = (state["words_to_features.weight"] @ q)[:, None, None].chunk(2)
            features = features * (1 + scale) + shift
        scales = [conv(f"conv{k}x{k}", features, k // 2) for k in (1, 3, 5)]
        f = conv("fusion_conv", torch.cat(scales))
        if channel:
            average = features.mean((1, 2))
            seen = conv("channel_attention.1", (average / rms(average))[:, None, None])
            told = state["words_to_channels.weight"] @ q
            f = f * torch.sigmoid(conv("channel_attention.3", F.relu(seen + told[:, None, None])))
        if spatial:
            maps = [features.amax(0), features.mean(0), features.std(0)]
            logits = conv("spatial_attention.0", torch.stack([m / rms(m) for m in maps]), 3)
            told = state["words_to_places.weight"] @ q
            projected = conv("match_features", features)
            match = torch.zeros_like(maps[0])
            for i in range(match.shape[0]):
                for j in range(match.shape[1]):
                    match[i, j] = (projected[:, i, j] * told).sum() / rms(projected)
            f = f * torch.sigmoid(logits + conv("match_conv", match[None], 3))
        results.append(features + f)
    return torch.stack(results)
