"""Reading files: what is not a state dict is refused, and no pickle's code runs."""

import os
import pickle
import random
from collections import OrderedDict
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from mmengine.logging import HistoryBuffer
from mmengine.optim import OneCycleParamScheduler
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import CheckpointLoader

from msa_backbone.files.checkpoints import (
    load_tensors_only_from_now_on,
    read_checkpoint,
    read_state_dict,
    tensors_only,
)

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")

FORCE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
FORBID = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


class ThroughGetattr:
    """Asks for an attribute that is no method of the logged history."""

    def __init__(self, owner: type, name: str) -> None:
        self.arguments = (owner, name)

    def __reduce__(self):
        return getattr, self.arguments


def by_torch(value: object, path: Path) -> None:
    torch.save({"features.0.weight": torch.ones(1), "extra": value}, path)


def by_torch_legacy(value: object, path: Path) -> None:
    torch.save({"extra": value}, path, _use_new_zipfile_serialization=False)


def by_pickle(value: object, path: Path) -> None:
    path.write_bytes(pickle.dumps(value))


@pytest.mark.parametrize("forbid", [False, True])
@pytest.mark.parametrize("save", [by_torch, by_torch_legacy, by_pickle])
def test_code_in_a_pickle_never_runs(save, forbid, tmp_path, monkeypatch):
    if forbid:
        monkeypatch.setenv(FORBID, "1")
    marker = tmp_path / "ran"
    save(Malicious(marker), tmp_path / "evil.pth")
    with pytest.raises(ValueError, match=r"evil.pth is no checkpoint of plain tensors"):
        read_state_dict(tmp_path / "evil.pth")
    assert not marker.exists()
    torch.load(
        tmp_path / "evil.pth", weights_only=False
    ) if save is not by_pickle else pickle.loads((tmp_path / "evil.pth").read_bytes())
    assert marker.exists()


@pytest.mark.parametrize("save", [by_torch, by_torch_legacy, by_pickle])
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (OrderedDict, "fromkeys"),
        (HistoryBuffer, "_set_default_statistics"),
        (OneCycleParamScheduler, "build_iter_from_epoch"),
    ],
)
def test_getattr_is_allowed_for_nothing_but_history_and_schedules(save, owner, name, tmp_path):
    save(ThroughGetattr(owner, name), tmp_path / "evil.pth")
    with pytest.raises(ValueError, match="no checkpoint of plain tensors"):
        read_state_dict(tmp_path / "evil.pth")


SCHEDULES = [
    *({"type": kind} for kind in ("ConstantLR", "LinearLR", "PolyMomentum")),
    {"type": "ExponentialLR", "gamma": 0.9},
    {"type": "StepLR", "step_size": 2},
    {"type": "MultiStepLR", "milestones": [1, 2]},
    {"type": "CosineAnnealingMomentum", "T_max": 3},
    {"type": "CosineRestartLR", "periods": [2, 2], "restart_weights": [1, 0.5], "eta_min": 0.0},
    {"type": "ReduceOnPlateauLR", "monitor": "score"},
    {"type": "OneCycleLR", "eta_max": 1.0, "total_steps": 4},
    {"type": "OneCycleLR", "eta_max": 1.0, "total_steps": 4, "anneal_strategy": "linear"},
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule["type"])
def test_every_schedule_of_mmengine_can_be_resumed(schedule, tmp_path, monkeypatch):
    monkeypatch.setenv(FORCE, "0")  # the next line's, taken back
    load_tensors_only_from_now_on()
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1, momentum=0.9)
    state = PARAM_SCHEDULERS.build({**schedule, "optimizer": optimizer}).state_dict()
    torch.save({"param_schedulers": [state]}, tmp_path / "epoch_1.pth")
    by_us = read_checkpoint(tmp_path / "epoch_1.pth")
    by_mmengine = CheckpointLoader.load_checkpoint(str(tmp_path / "epoch_1.pth"))
    assert by_us == by_mmengine == {"param_schedulers": [state]}


def test_history_pickled_under_numpy_1_is_read(tmp_path):
    """numpy 2 renamed `numpy.core`; checkpoints of the official stack carry the old name."""
    history = HistoryBuffer([np.float64(0.5), np.float32(0.25)], [1, 1])
    torch.save({"state_dict": {"a": torch.ones(2)}, "log": history}, tmp_path / "new.pth")
    with ZipFile(tmp_path / "new.pth") as new, ZipFile(tmp_path / "old.pth", "w") as old:
        for name in new.namelist():
            old.writestr(name, new.read(name).replace(b"numpy._core", b"numpy.core"))
    assert b"numpy.core.multiarray" in (tmp_path / "old.pth").read_bytes()
    for name in ("new.pth", "old.pth"):
        assert read_state_dict(tmp_path / name).keys() == {"a"}
        assert read_checkpoint(tmp_path / name)["log"].mean() == 0.375


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"hello, I am a text file\n", "no checkpoint of plain tensors"),
        (b"", "no checkpoint of plain tensors"),
        (b"PK\x03\x04 half a zip", "no checkpoint of plain tensors"),
        (b"\x80\x02h\x05.", "no checkpoint of plain tensors"),
        ({}, "holds no tensors by name"),
        ({"state_dict": {}}, "holds no tensors by name"),
        ({"epoch": 3}, "holds no tensors by name"),
        ([torch.ones(1)], "no checkpoint of plain tensors"),
    ],
)
def test_a_file_without_a_state_dict_is_refused(content, message, tmp_path):
    path = tmp_path / "odd.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match=rf"odd.pth.*{message}") as caught:
        read_state_dict(path)
    assert "\n" not in str(caught.value)


def test_damaged_files_raise_nothing_but_value_errors(tmp_path):
    path, generator = tmp_path / "damaged.pth", random.Random(0)
    torch.save({"a.weight": torch.ones(3), "b": [1, (2, "x")]}, path)
    whole = path.read_bytes()
    pickled = pickle.dumps({"a": [1, 2, (3, 4)], "b": "x" * 30}, protocol=2)
    for turn in range(400):
        damaged = bytearray(pickled)
        damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        noise = b"\x80\x02" + generator.randbytes(30)
        path.write_bytes(
            (bytes(damaged), noise, whole[: generator.randrange(len(whole))])[turn % 3]
        )
        with pytest.raises(ValueError, match="damaged"):
            read_state_dict(path)


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"weights file /no/such\.pth does not exist"):
        read_state_dict("/no/such.pth")


def test_home_is_expanded_and_entries_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for content in ({"a": torch.ones(2)}, {"model": {"a": torch.ones(2), "note": "text"}}):
        torch.save(content, tmp_path / "w.pth")
        assert read_state_dict("~/w.pth").keys() == {"a"}


@pytest.mark.parametrize("before", [{}, {FORCE: "0"}, {FORBID: "1"}, {FORCE: "1"}])
def test_a_library_cannot_ask_for_more_and_the_environment_is_put_back(
    before, tmp_path, monkeypatch
):
    for name in (FORCE, FORBID):
        monkeypatch.delenv(name, raising=False)
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    marker = tmp_path / "ran"
    by_torch(Malicious(marker), tmp_path / "evil.pth")
    with pytest.raises(pickle.UnpicklingError), tensors_only():
        torch.load(tmp_path / "evil.pth", weights_only=False)
    assert not marker.exists()
    assert {n: os.environ[n] for n in (FORCE, FORBID) if n in os.environ} == before
