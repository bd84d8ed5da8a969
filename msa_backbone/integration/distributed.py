"""Several processes, on GPUs or on CPUs: joining them, and letting one of them prepare the run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.dist import broadcast_object_list, init_dist, is_main_process


def join_processes(cfg: Config, launcher: str) -> None:
    """Connect with the launcher's other processes: by the config's backend, on CPUs by gloo.

    Raises:
        ValueError: if the launcher has not set its variables, or cannot start processes on CPUs.
    """
    cfg.launcher = launcher
    if launcher == "none":
        return
    if launcher == "pytorch" and "RANK" not in os.environ:
        raise ValueError(
            "--launcher pytorch needs the variables that torchrun sets: start with "
            "tools/dist_train.sh, tools/dist_test.sh or torchrun, or leave --launcher out"
        )
    if torch.cuda.is_available():
        init_dist(launcher, **cfg.get("env_cfg", {}).get("dist_cfg", {"backend": "nccl"}))
        return
    if launcher != "pytorch":
        raise ValueError(f"--launcher {launcher} needs CUDA: on CPUs, use --launcher pytorch")
    torch.distributed.init_process_group("gloo")
    if cfg.get("model_wrapper_cfg") is None:
        cfg.model_wrapper_cfg = {
            "type": "MMDistributedDataParallel",
            "broadcast_buffers": False,
            "find_unused_parameters": cfg.get("find_unused_parameters", False),
        }
    cfg.model_wrapper_cfg.device_ids = None  # mmengine's default is a GPU


@contextmanager
def main_process_first() -> Iterator[None]:
    """The other processes go through the block, silently, when the main process has succeeded.

    So data are checked and weights downloaded once, and an error is reported once and ends all.
    """
    succeeded = [False]
    if not is_main_process():
        broadcast_object_list(succeeded)
        if not succeeded[0]:
            sys.exit(1)
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
            yield
        return
    try:
        yield
        succeeded[0] = True
    finally:
        broadcast_object_list(succeeded)
