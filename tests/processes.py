"""Functions run in a process of its own that has torch and the toolboxes imported already."""

import ast
import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace

from mmengine.dataset import base_dataset
from yapf.yapflib import yapf_api

TOOLS = Path(__file__).parents[1] / "tools"
PRELOAD = ["msa_backbone.config.rehearse", "mmdet.models", "pycocotools"]
"""What the server that forks the processes imports; whoever starts it first decides."""


def start(function: Callable, *args: object, **options: object) -> BaseProcess:
    """Call `function` in a new process, forked from one that imported much and computed nothing."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    process = context.Process(target=function, args=args, kwargs=options)
    process.start()
    return process


def leave_unformatted(text: str, **_: object) -> tuple[str, bool]:
    """In yapf's place: mmengine formats a config five times a run, half a second each."""
    ast.parse(text)  # what yapf would refuse
    return text, False


def keep_garbage() -> None:
    """mmengine collects it once a data set, half a second where much is imported."""
    base_dataset.gc = SimpleNamespace(collect=lambda: 0)


def log_into(log: Path) -> None:
    """Let this process write what it prints into a file."""
    with log.open("a") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)


def run_tool(name: str, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
    """Run a tool as from the command line, its output going into the file `log`."""
    os.environ.update(environment)
    keep_garbage()
    yapf_api.FormatCode = leave_unformatted
    log_into(log)
    sys.argv = [f"{name}.py", *arguments]
    runpy.run_path(str(TOOLS / f"{name}.py"), run_name="__main__")
