"""Hooks for attention in a backbone: when it trains, and how much it does."""

from functools import partial

import torch
from mmengine.hooks import Hook
from mmengine.model import MMSeparateDistributedDataParallel, is_model_wrapper
from mmengine.registry import HOOKS
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.hooks import RemovableHandle


def _backbones(model: nn.Module) -> list[nn.Module]:
    """The MSAVGGs in a model, wrapped or not, that have attention."""
    return [m for m in model.modules() if hasattr(m, "freeze_attention") and m.attentions]


@HOOKS.register_module()
class ProgressiveAttentionHook(Hook):
    """Progressive training: the backbone first, then its attention as well.

    Attention is frozen for the first epochs or iterations. With `zero_init` it is the identity
    until then, so that what trains first is plain VGG. The idea is gradual unfreezing (ULMFiT,
    https://arxiv.org/abs/1801.06146, section 3.3). What is frozen depends on the training's
    progress alone: a resumed run does what it would have done.

    The optimizer has attention's parameters from the start, with their own settings.
    DistributedDataParallel, which looks once for what needs a gradient, is built anew whenever that
    changes.

    Args:
        unfreeze_at: epochs (or iterations) trained without attention.
        by_epoch: count epochs, not iterations.

    Raises:
        ValueError: when training starts, if attention would never or always train, the loop has no
            epochs, the model has no attention, or another wrapper holds it.
    """

    def __init__(self, unfreeze_at: int, by_epoch: bool = True) -> None:
        if unfreeze_at < 1:
            raise ValueError(
                f"unfreeze_at={unfreeze_at} delays nothing: choose 1 or more, or leave "
                "ProgressiveAttentionHook out"
            )
        self.unfreeze_at = unfreeze_at
        self.by_epoch = by_epoch
        self._frozen = False

    def before_train(self, runner: Runner) -> None:
        if self.by_epoch and isinstance(runner.train_loop, IterBasedTrainLoop):
            raise ValueError(
                "ProgressiveAttentionHook counts epochs, which an iteration-based loop has not: "
                "give it by_epoch=False and unfreeze_at in iterations"
            )
        end = runner.max_epochs if self.by_epoch else runner.max_iters
        if self.unfreeze_at >= end:
            raise ValueError(
                f"unfreeze_at={self.unfreeze_at} leaves attention frozen for the whole training: "
                f"choose less than its {end} {self._last[0]}s"
            )
        if not _backbones(runner.model):
            raise ValueError("ProgressiveAttentionHook needs an MSAVGG with attention in the model")
        if is_model_wrapper(runner.model) and not _can_wrap_anew(runner):
            raise ValueError(
                "ProgressiveAttentionHook works with DistributedDataParallel as the runner builds "
                f"it, not with {type(runner.model).__name__}"
            )
        if self._trained(runner) < self.unfreeze_at and not self._frozen:
            self._freeze(runner, True)
            runner.logger.info("Attention is frozen until %s %d is over", *self._last)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        if self._frozen and self._trained(runner) >= self.unfreeze_at:
            self._freeze(runner, False)
            runner.logger.info("Attention trains from now on: %s %d is over", *self._last)

    @property
    def _last(self) -> tuple[str, int]:
        """The last epoch or iteration without attention, counted from 1."""
        return "epoch" if self.by_epoch else "iteration", self.unfreeze_at

    def _trained(self, runner: Runner) -> int:
        return runner.epoch if self.by_epoch else runner.iter

    def _freeze(self, runner: Runner, frozen: bool) -> None:
        self._frozen = frozen
        for backbone in _backbones(runner.model):
            backbone.freeze_attention(frozen)
        if is_model_wrapper(runner.model):
            runner.model._remove_autograd_hooks()
            runner.model = runner.wrap_model(
                runner.cfg.get("model_wrapper_cfg"), runner.model.module
            )
            runner._maybe_compile("train_step")


def _can_wrap_anew(runner: Runner) -> bool:
    """Whether `runner.wrap_model` gives back what there is now."""
    return (
        isinstance(runner, Runner)
        and runner.distributed
        and isinstance(runner.model, DistributedDataParallel)
        and not isinstance(runner.model, MMSeparateDistributedDataParallel)
    )


@HOOKS.register_module()
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
            for backbone in _backbones(runner.model):
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
