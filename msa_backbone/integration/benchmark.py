"""What trainings cost: parameters and the time of a step, of several configs side by side."""

import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

WARMUP_ROUNDS = 2


def compare_training_steps(cfgs: Mapping[str, Config], rounds: int) -> str:
    """Time one training step of every config in turn, on the first batch of its training data.

    A step is forward, backward and the optimizer's update; loading is left out. The configs take
    turns, so that whatever else the machine does falls on all of them alike.

    Args:
        cfgs: complete training configs by name.
        rounds: how many steps of each are timed, after two that are not.

    Returns:
        A Markdown table: parameters in millions, the median step in seconds with its quartiles,
        and the median of its ratios to the first config's step of the same round.
    """
    MMLogger.get_current_instance().setLevel("ERROR")  # a line for each parameter otherwise
    sizes, steps = {}, {}
    for name, cfg in cfgs.items():
        sizes[name], steps[name] = _training_step(cfg)
    times: dict[str, list[float]] = {name: [] for name in cfgs}
    for turn in range(WARMUP_ROUNDS + rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if turn >= WARMUP_ROUNDS:
                times[name].append(time.perf_counter() - start)
    lines = ["| config | parameters | training step | ratio |", "| --- | --- | --- | --- |"]
    first = np.array(times[next(iter(times))])
    for name, own in times.items():
        low, median, high = np.percentile(own, (25, 50, 75))
        lines.append(
            f"| {name} | {sizes[name] / 1e6:.2f} M | {median:.3f} s ({low:.3f} to {high:.3f}) "
            f"| {np.median(np.array(own) / first):.2f} |"
        )
    return "\n".join(lines)


def _training_step(cfg: Config) -> tuple[int, Callable[[], None]]:
    """The number of a new model's parameters, and what trains it by one step."""
    init_default_scope(cfg.get("default_scope", "mmengine"))
    torch.manual_seed(0)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.to(device).train()
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    optim_wrapper.initialize_count_status(model, 0, 1)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))

    def step() -> None:
        model.train_step(batch, optim_wrapper)
        if device.type == "cuda":
            torch.cuda.synchronize()

    return sum(parameter.numel() for parameter in model.parameters()), step
