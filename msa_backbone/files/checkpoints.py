"""Reading checkpoints from files and model zoos, tensors only: a pickle's code never runs."""

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleParamScheduler
from mmengine.runner import CheckpointLoader
from torch import Tensor


def _method(owner: type, name: str) -> Callable:
    """Stands in for `getattr`, by which pickles name the methods that they hold.

    A HistoryBuffer holds some of its own, a OneCycle schedule the curve that it follows. No others
    are given out.
    """
    of_history = owner is HistoryBuffer and not name.startswith("_")
    curves = ("_annealing_cos", "_annealing_linear")
    if not of_history and not (owner is OneCycleParamScheduler and name in curves):
        raise pickle.UnpicklingError(f"refused attribute {name} of {owner}")
    return getattr(owner, name)


def _mmengine_globals() -> list:
    """What mmengine's checkpoints hold beside tensors: the logged history and schedules."""
    rebuilders = {
        "_reconstruct": np.zeros(1).__reduce__()[0],
        "scalar": np.float64(0).__reduce__()[0],
    }
    named = [  # the names that numpy 1 and numpy 2 pickle them under
        (function, f"numpy.{core}.multiarray.{name}")
        for name, function in rebuilders.items()
        for core in ("core", "_core")
    ]
    named += [(_method, f"{module}.getattr") for module in ("builtins", "__builtin__")]
    dtypes = {type(np.dtype(kind)) for kind in "bBhHiIlLqQefd?"}
    return [HistoryBuffer, OneCycleParamScheduler, np.ndarray, np.dtype, *dtypes, *named]


def load_tensors_only_from_now_on() -> None:
    """In this process no `torch.load` runs a pickle's code, mmengine's own included."""
    os.environ.pop("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", None)
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    torch.serialization.add_safe_globals(_mmengine_globals())


@contextmanager
def tensors_only() -> Iterator[None]:
    """Every `torch.load` inside uses `weights_only=True`, also where a library asks otherwise."""
    variables = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    before = [os.environ.pop(variable, None) for variable in variables]
    os.environ[variables[0]] = "1"
    known = torch.serialization.get_safe_globals()  # they stay: torch would take back all it gets
    try:
        with torch.serialization.safe_globals(
            [new for new in _mmengine_globals() if new not in known]
        ):
            yield
    finally:
        for variable, value in zip(variables, before, strict=True):
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value


def read_checkpoint(source: str | os.PathLike) -> dict:
    """A checkpoint as it was saved, on the CPU.

    Args:
        source: a file, an http(s) URL, or a name of mmengine's model zoos (`torchvision://vgg16`,
            `open-mmlab://vgg16_caffe`, `mmcls://vgg16`).

    Raises:
        FileNotFoundError: if the file does not exist.
        ValueError: if it cannot be read, or holds more than tensors and plain data.
    """
    source = os.fspath(source)
    if "://" not in source and not Path(source).expanduser().is_file():
        raise FileNotFoundError(f"weights file {source} does not exist: check the path")
    try:
        with tensors_only():
            if "://" in source:
                checkpoint = CheckpointLoader.load_checkpoint(source, map_location="cpu")
            else:
                checkpoint = torch.load(Path(source).expanduser(), map_location="cpu")
    except OSError as error:
        raise ValueError(
            f"weights {source} cannot be read ({error}): download the file by other means "
            "and give its path, for a backbone as --weights FILE"
        ) from None
    except Exception as error:  # a broken pickle can raise anything
        if "://" in source and isinstance(error, KeyError):
            raise ValueError(f"weights {source}: the model zoo has no {error}") from None
        checkpoint = None
    if not isinstance(checkpoint, dict):
        raise ValueError(
            f"weights {source} is no checkpoint of plain tensors, so it was not loaded and none of "
            "its code ran: save one with torch.save(model.state_dict(), FILE)"
        )
    return checkpoint


def read_state_dict(source: str | os.PathLike) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name: its 'state_dict' or 'model' entry where there is one.

    Raises:
        ValueError: also if there are none; otherwise as `read_checkpoint`.
    """
    checkpoint = read_checkpoint(source)
    for entry in ("state_dict", "model"):
        if isinstance(checkpoint.get(entry), dict):
            checkpoint = checkpoint[entry]
            break
    tensors = {name: value for name, value in checkpoint.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ValueError(f"weights {source} holds no tensors by name: it needs a state dict")
    return tensors
