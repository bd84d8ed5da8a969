"""Channels last in memory, the order in which convolutions compute."""

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Stores the model's weights with channels last, and so the outputs of its convolutions.

    Tensor cores and oneDNN on CPUs compute in this order. Otherwise each layer reorders its input
    and its output, which costs more the fewer channels there are. Results differ by rounding.
    Checkpoints are the same in either order.

    A config names it in its `custom_hooks`.
    """

    def before_run(self, runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)
