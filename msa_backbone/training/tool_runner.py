"""The tools' runner: the console shows how far it is and what came out, the log file everything.

What it resumes fits the order in memory of today's parameters.
"""

import logging
from collections.abc import Mapping

import torch
from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapperDict
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import Tensor, nn
from torch.optim import Optimizer

from ..progress import format_time
from ..scores import HEADLINES, all_scores_of
from .console import ForPeople, sorted_prints, write_remarks_to


class ProgressHook(Hook):
    """Says how far a training or a test is, as often as mmengine's `LoggerHook`."""

    priority = "VERY_LOW"  # behind LoggerHook and the hook that counts the time left

    def before_run(self, runner: Runner) -> None:
        self.interval = next(
            (hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), 10
        )

    def after_train_iter(self, runner: Runner, batch_idx: int, *_: object, **__: object) -> None:
        by_iter = isinstance(runner.train_loop, IterBasedTrainLoop)
        ends = not by_iter and self.end_of_epoch(runner.train_dataloader, batch_idx)
        if not (self.every_n_inner_iters(batch_idx, self.interval) or ends):
            return
        done, total = batch_idx + 1, len(runner.train_dataloader)
        line = f"epoch {runner.epoch + 1}/{runner.max_epochs}, "
        if by_iter:
            line, done, total = "", runner.iter + 1, runner.max_iters
        line += f"step {done:{len(str(total))}d}/{total}"
        hub = runner.message_hub
        if "train/loss" in hub.log_scalars:
            loss = hub.get_scalar("train/loss").mean(runner.log_processor.window_size)
            line += f", loss {loss:.4f}"
        if (left := hub.get_info("eta")) is not None:
            line += f", {format_time(left)} left"
        runner.logger.info(line)

    def after_val_iter(self, runner: Runner, batch_idx: int, *_: object, **__: object) -> None:
        self._tell(runner, "validated", batch_idx, len(runner.val_dataloader))

    def after_test_iter(self, runner: Runner, batch_idx: int, *_: object, **__: object) -> None:
        self._tell(runner, "tested", batch_idx, len(runner.test_dataloader))

    def _tell(self, runner: Runner, what: str, batch_idx: int, total: int) -> None:
        if self.every_n_inner_iters(batch_idx, self.interval):
            runner.logger.info(f"{what} {batch_idx + 1}/{total}")

    def after_val_epoch(self, runner: Runner, metrics: Mapping[str, float] | None = None) -> None:
        scores = all_scores_of(metrics or {})
        leading = [name for name in HEADLINES if name in scores] or list(scores)[:4]
        shown = ", ".join(f"{name} {scores[name]:.3f}" for name in leading)
        runner.logger.info(f"validation: {shown or 'no score'}")


def order_as_parameters(optimizer: Optimizer) -> None:
    """Give what an optimizer keeps of a parameter, its moments, that parameter's order in memory.

    A loaded state keeps the order of the training that wrote it, channels first or last. Fused
    steps walk through parameters and moments side by side and do not look at the order: they would
    mix up values without a word.
    """
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


class ToolRunner(Runner):
    """mmengine's `Runner`, with such a console and such a resume."""

    def build_logger(self, *args: object, **kwargs: object) -> MMLogger:
        logger = super().build_logger(*args, **kwargs)
        files = [h for h in logger.handlers if isinstance(h, logging.FileHandler)]
        for handler in logger.handlers:
            if handler not in files:
                handler.addFilter(ForPeople())
                handler.setFormatter(logging.Formatter("%(message)s"))
        # Processes beside the first have no file: what their libraries say is what the first's say.
        write_remarks_to(files[0] if files else logging.NullHandler())
        if files:
            logger.info(f"Everything else is in {files[0].baseFilename}")
        return logger

    def register_hooks(self, *args: object, **kwargs: object) -> None:
        with sorted_prints():  # toolboxes are imported
            super().register_hooks(*args, **kwargs)
        self.register_hook(ProgressHook())

    def resume(self, *args: object, **kwargs: object) -> None:
        super().resume(*args, **kwargs)
        several = isinstance(self.optim_wrapper, OptimWrapperDict)
        for wrapper in self.optim_wrapper.values() if several else [self.optim_wrapper]:
            order_as_parameters(wrapper.optimizer)

    def train(self) -> nn.Module:
        with sorted_prints():
            return super().train()

    def test(self) -> dict[str, float]:
        with sorted_prints():
            return super().test()
