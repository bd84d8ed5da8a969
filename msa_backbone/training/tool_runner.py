"""The tools' runner: the console shows what one follows, the log file everything.

mmengine writes the same lines to both: pages of environment, config and hooks, a line for every
parameter's learning rate. What libraries print and warn of comes between them. Here the console
gets the progress with the time left, the leading scores and the table of results.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase
from logging.handlers import MemoryHandler
from pathlib import Path

from mmengine.hooks import Hook, LoggerHook
from mmengine.logging import MMLogger
from mmengine.runner import IterBasedTrainLoop, Runner
from torch import nn

from ..progress import format_time
from ..scores import HEADLINES, all_scores_of

PACKAGE = str(Path(__file__).resolve().parents[1])

_remarks = logging.getLogger("msa_backbone.remarks")  # what libraries print
_waiting = MemoryHandler(10**6, flushLevel=logging.CRITICAL + 1)  # until there is a log file


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Inside the block, warnings and what libraries print wait for a `ToolRunner`'s log file."""
    warned = logging.getLogger("py.warnings")
    loggers = {_remarks: _remarks.propagate, warned: warned.propagate}
    _remarks.setLevel(logging.INFO)
    logging.captureWarnings(True)
    for logger in loggers:
        logger.addHandler(_waiting)
        logger.propagate = False
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for logger, propagates in loggers.items():
            logger.removeHandler(_waiting)
            logger.propagate = propagates
        _waiting.flush()
        _waiting.setTarget(None)
        _waiting.buffer.clear()


class _Printed(TextIOBase):
    """A file for print() whose lines are the libraries' remarks."""

    def write(self, text: str) -> int:
        for line in text.splitlines():
            if line.strip():
                _remarks.info(line)
        return len(text)


@contextmanager
def printing_to_log() -> Iterator[None]:
    """Inside the block, print() writes to the log file."""
    with redirect_stdout(_Printed()):
        yield


class _ForPeople(logging.Filter):
    """Lets errors through, and lines that this package writes."""

    def filter(self, record: logging.LogRecord) -> bool:
        own = str(Path(record.pathname).resolve()).startswith(PACKAGE)
        return own or record.levelno >= logging.ERROR


class ProgressHook(Hook):
    """Says how far a training or a test is, as often as mmengine's `LoggerHook`."""

    priority = "VERY_LOW"  # behind LoggerHook, which counts the time left

    def before_run(self, runner: Runner) -> None:
        self.interval = next(
            (hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)), 10
        )

    def after_train_iter(self, runner: Runner, batch_idx: int, *_: object, **__: object) -> None:
        if not self.every_n_inner_iters(batch_idx, self.interval):
            return
        hub = runner.message_hub
        if isinstance(runner.train_loop, IterBasedTrainLoop):
            epoch, done, total = "", runner.iter + 1, runner.max_iters
        else:
            epoch = f"epoch {runner.epoch + 1}/{runner.max_epochs}, "
            done, total = batch_idx + 1, len(runner.train_dataloader)
        loss = hub.get_scalar("train/loss").mean(self.interval)
        left = format_time(hub.get_info("eta"))
        line = f"{epoch}step {done:{len(str(total))}d}/{total}, loss {loss:.4f}, {left} left"
        runner.logger.info(line)

    def after_test_iter(self, runner: Runner, batch_idx: int, *_: object, **__: object) -> None:
        if self.every_n_inner_iters(batch_idx, self.interval):
            runner.logger.info("tested [%d/%d]", batch_idx + 1, len(runner.test_dataloader))

    def after_val_epoch(self, runner: Runner, metrics: Mapping[str, float] | None = None) -> None:
        scores = all_scores_of(metrics or {})
        leading = [name for name in HEADLINES if name in scores] or list(scores)[:4]
        shown = ", ".join(f"{name} {scores[name]:.3f}" for name in leading)
        runner.logger.info("validation: %s", shown or "no score")


class ToolRunner(Runner):
    """mmengine's `Runner`; see the top of the file."""

    def build_logger(self, *args: object, **kwargs: object) -> MMLogger:
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if isinstance(handler, logging.FileHandler):
                _waiting.setTarget(handler)
            else:
                handler.addFilter(_ForPeople())
                handler.setFormatter(logging.Formatter("%(message)s"))
        return logger

    def register_hooks(self, *args: object, **kwargs: object) -> None:
        with printing_to_log():  # toolboxes are imported
            super().register_hooks(*args, **kwargs)
        self.register_hook(ProgressHook())

    def train(self) -> nn.Module:
        with printing_to_log():
            return super().train()

    def test(self) -> dict[str, float]:
        with printing_to_log():
            return super().test()
