"""Tasks for processes of their own, which have to be able to import them."""

import os
import signal
import time
from pathlib import Path

import torch


def note(path: Path) -> None:
    print(f"noted by {os.getpid()}")
    path.write_text(f"{os.getpid()} {torch.get_num_threads()}")


def fail() -> None:
    raise ValueError("this one was bound to fail")


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_long(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(600)
