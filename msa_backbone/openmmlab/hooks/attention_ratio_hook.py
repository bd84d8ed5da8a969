"""A hook that logs how much attention adds to its input."""

from functools import partial

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


def backbones_with_attention(model: nn.Module) -> list[nn.Module]:
    """The MSAVGGs in a model, wrapped or not, that have attention."""
    return [m for m in model.modules() if hasattr(m, "freeze_attention") and m.attentions]


class AttentionRatioHook(Hook):
    """Logs how much attention adds to its input: ||y - x|| / ||x|| of every attention module.

    x is the module's input and y its output, so that y - x is f * ca * sa in MultiScaleAttention;
    the norms are Frobenius norms over this process's batch, in float32. 0 is the identity. The
    names are `attention/<position>`, positions as in `MSAVGG.attentions`. The logger shows the
    newest value. Between the measured iterations nothing is attached to the model; a step that
    mmengine's `compile` made calls no hook that comes later, and logs nothing.

    Args:
        interval: measure every so many iterations of an epoch, and at the end of one that is no
            longer, as LoggerHook with the same interval does.

    Raises:
        ValueError: for an interval below 1.
    """

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise ValueError(f"interval={interval} does not fit: choose 1 or more")
        self.interval = interval
        self._handles: list[RemovableHandle] = []
        self._ratios: dict[str, Tensor] = {}

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        loader = runner.train_dataloader
        short = len(loader) <= self.interval and self.end_of_epoch(loader, batch_idx)
        if short or self.every_n_inner_iters(batch_idx, self.interval):
            for backbone in backbones_with_attention(runner.model):
                self._attach(backbone)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        for handle in self._handles:
            handle.remove()
        for name, ratio in self._ratios.items():
            runner.message_hub.update_scalar(f"train/attention/{name}", ratio)
        self._handles, self._ratios = [], {}

    def _attach(self, backbone: nn.Module) -> None:
        """Measure the next forward pass of `backbone`, and let go of it even if that fails."""
        handles = [
            attention.register_forward_hook(partial(self._measure, name))
            for name, attention in backbone.attentions.items()
        ]

        def detach(backbone: nn.Module, inputs: object, outputs: object) -> None:
            # torch walks over the backbone's own hooks while it fails: that one goes next time
            for handle in handles[: -1 if outputs is None else None]:
                handle.remove()

        handles.append(backbone.register_forward_hook(detach, always_call=True))
        self._handles += handles

    def _measure(self, name: str, attention: nn.Module, inputs: tuple[Tensor], y: Tensor) -> None:
        x, y = inputs[0].detach().float(), y.detach().float()
        tiny = torch.finfo(x.dtype).tiny  # where x is all zeros
        self._ratios[name] = (y - x).norm() / x.norm().clamp_min(tiny)
