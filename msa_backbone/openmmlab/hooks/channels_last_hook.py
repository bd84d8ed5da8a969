"""Channels last in memory, the order in which convolutions compute."""

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn


class ChannelsLastHook(Hook):
    """Stores the model's weights with channels last, and so the outputs of its convolutions.

    Tensor cores and oneDNN on CPUs compute in this order. Otherwise each layer reorders its input
    and its output, which costs more the fewer channels there are. Results differ by rounding.
    Checkpoints are the same in either order.

    mmcv's compiled operators read memory as if channels came first, and do not look: RoIAlign would
    give wrong features without a word (mmcv issue 2203). They get their inputs in that order.

    A config names it in its `custom_hooks`.
    """

    def before_run(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)
        for module in runner.model.modules():
            if type(module).__module__.startswith("mmcv.ops"):
                module.to(memory_format=torch.contiguous_format)
                module.register_forward_pre_hook(_channels_first)


def _channels_first(module: nn.Module, inputs: tuple) -> tuple:
    return tuple(x.contiguous() if isinstance(x, Tensor) else x for x in inputs)
