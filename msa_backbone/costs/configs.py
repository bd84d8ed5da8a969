"""What configs cost: parameters, and the time of a training and of a test step, side by side."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner

from ..files.markdown import markdown_table
from .measure import interleave, ratio


def compare_steps(cfgs: Mapping[str, Config], rounds: int, device: str) -> str:
    """Time a training and a test step of every config in turn, on the first batch of its data.

    A training step is forward, backward and the optimizer's update; a test step ends with the
    predictions. Loading is left out. The configs take turns, see `interleave`.

    Args:
        cfgs: complete training configs by name.
        rounds: how many steps of each are timed, after two that are not.
        device: 'cpu' or 'cuda'.

    Returns:
        A Markdown table: parameters in millions; the median training step in seconds with its
        quartiles; images per second of the test step; with both, the median of the ratios of
        times to the first config's of the same round.
    """
    MMLogger.get_current_instance().setLevel("ERROR")  # a line for each parameter otherwise
    sizes, training, testing, images = {}, {}, {}, {}
    for name, cfg in cfgs.items():
        sizes[name], training[name], testing[name], images[name] = _steps(cfg, device)
    trained = interleave(training, rounds, device)
    tested = interleave(testing, rounds, device)
    first = next(iter(cfgs))
    rows = []
    for name in cfgs:
        low, median, high = np.percentile(trained[name], (25, 50, 75))
        rows.append(
            [
                name,
                f"{sizes[name] / 1e6:.2f} M",
                f"{median:.3f} s ({low:.3f} to {high:.3f})",
                f"{ratio(trained[name], trained[first]):.2f}",
                f"{images[name] / np.median(tested[name]):.2f}",
                f"{ratio(tested[name], tested[first]):.2f}",
            ]
        )
    head = ["config", "parameters", "training step", "ratio", "test images per second"]
    return markdown_table([*head, "ratio of times"], rows)


def _steps(cfg: Config, device: str) -> tuple[int, Callable[[], None], Callable[[], None], int]:
    """Build a config's model, and take the first batches of its data.

    Returns:
        The model's number of parameters, functions that make a training step and a test step, and
        how many images a test step has.
    """
    init_default_scope(cfg.get("default_scope", "mmengine"))
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    model.init_weights()
    model.to(device)
    optim_wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    optim_wrapper.initialize_count_status(model, 0, 1)
    batch = next(iter(Runner.build_dataloader(cfg.train_dataloader, seed=0)))
    test_batch = next(iter(Runner.build_dataloader(cfg.test_dataloader, seed=0)))

    def train() -> None:
        model.train()
        model.train_step(batch, optim_wrapper)

    def test() -> None:
        model.eval()
        with torch.no_grad():
            model.test_step(test_batch)

    count = len(test_batch["inputs"])
    return sum(parameter.numel() for parameter in model.parameters()), train, test, count
