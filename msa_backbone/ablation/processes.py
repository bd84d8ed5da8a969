"""Several tasks at a time, each in its own process.

A training leaves things behind in its process: registered runners, memory, threads. In a process
of its own the next one starts clean, and if it fails or is killed, the others go on.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Thread

import torch

from ..progress import Step


def run_in_processes(
    tasks: Mapping[str, Callable[[], object]],
    logs: Mapping[str, Path],
    jobs: int,
    report: Callable[[str], None],
    threads: int | None = None,
    preload: Sequence[str] = (),
    preload_log: Path | None = None,
) -> dict[str, str]:
    """Run tasks and report progress with the time left.

    Args:
        tasks: by name; what can be pickled, as a `functools.partial` of a module's function.
        logs: the file of each that its output is added to.
        jobs: processes at once; on GPUs they take turns with the devices.
        report: called with a line after each task.
        threads: of the CPU, for each process; None leaves it to torch.
        preload: modules that all tasks import. Without a GPU a server imports them once, and its
            forks start with them.
        preload_log: the file that what that server says is added to; None leaves it on the console.

    Returns:
        The tasks that failed, with the reason; the others went on.
    """
    report(f"{len(tasks)} to do, {jobs} at a time")
    context = _context(preload, preload_log)
    waiting, free, failed = list(tasks), list(range(jobs)), {}
    active: dict[str, tuple[BaseProcess, int]] = {}
    told: dict[str, int] = {}  # how much earlier attempts have written
    start, done = time.time(), 0
    try:
        while waiting or active:
            while waiting and free:
                name, slot = waiting.pop(0), free.pop()
                logs[name].parent.mkdir(parents=True, exist_ok=True)
                told[name] = logs[name].stat().st_size if logs[name].exists() else 0
                process = context.Process(target=_child, args=(tasks[name], logs[name], threads))
                with _device(slot):
                    process.start()
                active[name] = process, slot
            wait([process.sentinel for process, _ in active.values()])
            for name, (process, slot) in list(active.items()):
                if process.is_alive():
                    continue
                process.join()
                del active[name]
                free.append(slot)
                done += 1
                if process.exitcode != 0:
                    failed[name] = _reason(logs[name], told[name], process.exitcode)
                step = Step(f"{name}: {failed.get(name, 'done')}", done, len(tasks))
                report(step.describe(time.time() - start))
    finally:
        for process, _ in active.values():
            process.terminate()
            process.join()
    return failed


def _child(task: Callable[[], object], log: Path, threads: int | None) -> None:
    file = log.open("a", buffering=1, encoding="utf-8")
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = file
    Thread(target=_end_with_parent, daemon=True).start()
    if threads is not None:
        torch.set_num_threads(threads)
    task()


def _end_with_parent() -> None:
    """End this process when its parent has ended, also if the parent was killed."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _context(preload: Sequence[str], log: Path | None) -> multiprocessing.context.BaseContext:
    """How processes are started: forked from a server with loaded modules, or from nothing.

    CUDA does not work in a fork of a process that has used it: with a GPU all start from nothing.
    """
    if torch.cuda.is_available() or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    if log is not None:
        with _output_to(log):
            forkserver.ensure_running()
    return context


@contextmanager
def _output_to(log: Path) -> Iterator[None]:
    """In the block, this process and those that it starts write into a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    console = {}
    for stream in (1, 2):
        with suppress(OSError):  # one that is closed
            console[stream] = os.dup(stream)
    try:
        with log.open("a", encoding="utf-8") as file:
            for stream in console:
                os.dup2(file.fileno(), stream)
        yield
    finally:
        for stream, copy in console.items():
            os.dup2(copy, stream)
            os.close(copy)


@contextmanager
def _device(slot: int) -> Iterator[None]:
    """Let a process that is started in the block see one GPU: the slots take turns with them."""
    if not torch.cuda.is_available():
        yield
        return
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    devices = before.split(",") if before else list(map(str, range(torch.cuda.device_count())))
    os.environ["CUDA_VISIBLE_DEVICES"] = devices[slot % len(devices)]
    try:
        yield
    finally:
        os.environ.pop("CUDA_VISIBLE_DEVICES")
        if before is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def _reason(log: Path, told: int, exitcode: int | None) -> str:
    """Why a task failed: the last line of its log that names an error, or the exit code.

    Args:
        log: what earlier attempts have written, too.
        told: how many bytes of it are theirs.
        exitcode: of the process.
    """
    content = log.read_bytes()[told:] if log.exists() else b""
    lines = content.decode(errors="replace").splitlines()
    named = [line for line in lines if "Error" in line]
    return f"FAILED ({named[-1] if named else f'exit code {exitcode}'}; see {log})"
