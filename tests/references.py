"""Independent oracles: the article's formula and torchvision's VGG, without this package."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

LETTERS = {11: "A", 13: "B", 16: "D", 19: "E"}  # torchvision's names of the depths


def multi_scale_attention(
    state: dict[str, Tensor], x: Tensor, channel: bool = True, spatial: bool = True
) -> Tensor:
    """The published form from its state-dict names, in the dtype of x."""

    def conv(name: str, value: Tensor, padding: int = 0) -> Tensor:
        return F.conv2d(value, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    scales = (conv("conv1x1", x), conv("conv3x3", x, 1), conv("conv5x5", x, 2))
    branch = conv("fusion_conv", torch.cat(scales, 1))
    if channel:
        squeezed = x.mean(dim=(2, 3), keepdim=True)
        hidden = F.relu(conv("channel_attention.1", squeezed))
        branch = branch * torch.sigmoid(conv("channel_attention.3", hidden))
    if spatial:
        statistics = (
            torch.max(x, dim=1, keepdim=True)[0],
            torch.mean(x, dim=1, keepdim=True),
            torch.std(x, dim=1, keepdim=True),
        )
        branch = branch * torch.sigmoid(conv("spatial_attention.0", torch.cat(statistics, 1), 3))
    return x + branch


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
