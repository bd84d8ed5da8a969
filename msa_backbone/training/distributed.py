"""Several processes, on GPUs or on CPUs: joining them, and letting one of them prepare the run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta

import torch
import torch.distributed
from mmengine.config import Config
from mmengine.dist import get_world_size, init_dist, is_main_process

STARTED_BY = {
    "pytorch": ("RANK", "torchrun (tools/dist_train.sh, tools/dist_test.sh)"),
    "slurm": ("SLURM_PROCID", "srun (tools/slurm_train.sh)"),
    "mpi": ("OMPI_COMM_WORLD_LOCAL_RANK", "mpirun"),
}


def join_processes(cfg: Config, launcher: str) -> None:
    """Connect with the launcher's other processes: by the config's backend, on CPUs by gloo.

    Raises:
        ValueError: if the launcher has not set its variables, or cannot start processes on CPUs.
    """
    cfg.launcher = launcher
    if launcher == "none":
        return
    variable, starter = STARTED_BY[launcher]
    if variable not in os.environ:
        raise ValueError(
            f"--launcher {launcher} needs {variable}, which {starter} sets: start with that, or "
            "leave --launcher out"
        )
    if not torch.cuda.is_available():
        if launcher != "pytorch":
            raise ValueError(f"--launcher {launcher} needs CUDA: on CPUs, use --launcher pytorch")
        torch.distributed.init_process_group("gloo")
        return
    if int(os.environ.get("LOCAL_RANK", 0)) >= torch.cuda.device_count():
        raise ValueError(
            f"{torch.cuda.device_count()} GPUs are here, one for each process: start no more of "
            "them on this machine"
        )
    init_dist(launcher, **((cfg.get("env_cfg") or {}).get("dist_cfg") or {"backend": "nccl"}))


@contextmanager
def main_process_first() -> Iterator[None]:
    """The other processes go through the block, silently, when the main process has succeeded.

    So data are checked and weights downloaded once, and an error is reported once and ends all.
    """
    if get_world_size() == 1:
        yield
        return
    # Data can be long to check: no collective of a GPU would wait for it.
    group = torch.distributed.new_group(backend="gloo", timeout=timedelta(days=1))
    succeeded = [False]
    if is_main_process():
        try:
            yield
            succeeded[0] = True
        finally:
            torch.distributed.broadcast_object_list(succeeded, src=0, group=group)
        return
    torch.distributed.broadcast_object_list(succeeded, src=0, group=group)
    if not succeeded[0]:
        sys.exit(1)
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        yield
