"""A hook that decides when the attention in a backbone trains."""

from collections.abc import Mapping

from mmengine.hooks import Hook
from mmengine.model import MMSeparateDistributedDataParallel, is_model_wrapper
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .attention_ratio_hook import backbones_with_attention


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
        ValueError: what `check` raises, and when training starts, if another wrapper than
            DistributedDataParallel holds the model.
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

    def check(self, model: nn.Module, train_cfg: Mapping[str, object]) -> None:
        """Refuse a training that the hook does not fit.

        Args:
            train_cfg: its `max_epochs` or `max_iters`; a training by epochs need not know both.

        Raises:
            ValueError: if attention would never train, the loop has no epochs, or the model has no
                attention.
        """
        epochs, iterations = train_cfg.get("max_epochs"), train_cfg.get("max_iters")
        if self.by_epoch and epochs is None:
            raise ValueError(
                "ProgressiveAttentionHook counts epochs, which an iteration-based loop has not: "
                "give it by_epoch=False and unfreeze_at in iterations"
            )
        end = epochs if self.by_epoch else iterations
        if end is not None and self.unfreeze_at >= end:
            raise ValueError(
                f"unfreeze_at={self.unfreeze_at} leaves attention frozen for the whole training: "
                f"choose less than its {end} {self._last[0]}s"
            )
        if not backbones_with_attention(model):
            raise ValueError("ProgressiveAttentionHook needs an MSAVGG with attention in the model")

    def before_train(self, runner: Runner) -> None:
        counts_epochs = not isinstance(runner.train_loop, IterBasedTrainLoop)
        epochs = runner.max_epochs if counts_epochs else None
        self.check(runner.model, {"max_epochs": epochs, "max_iters": runner.max_iters})
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
        for backbone in backbones_with_attention(runner.model):
            backbone.freeze_attention(frozen)
        if is_model_wrapper(runner.model):
            runner.model._remove_autograd_hooks()
            wrapper_cfg = runner.cfg.get("model_wrapper_cfg")
            runner.model = runner.wrap_model(wrapper_cfg, runner.model.module)
            runner._maybe_compile("train_step")


def _can_wrap_anew(runner: Runner) -> bool:
    """Whether `runner.wrap_model` gives back what there is now."""
    return (
        isinstance(runner, Runner)
        and runner.distributed
        and isinstance(runner.model, DistributedDataParallel)
        and not isinstance(runner.model, MMSeparateDistributedDataParallel)
    )
