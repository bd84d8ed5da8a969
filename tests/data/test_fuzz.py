"""Damaged folders: a verdict in a readable line, no traceback; what passes can be trained on.

Case k damages a valid folder by one or two seeded mutations. `make test` runs 30 cases, another
number is set by FUZZ_CASES in the environment. A failing case is repeated by its number.
"""

import copy
import importlib.util
import os
import random
import signal
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
import torch
from data_folders import FOLDERS
from data_mutations import mutate
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import DATASETS, MODELS, init_default_scope
from torch.utils.data import DataLoader

from msa_backbone.config.user_data import use_data
from msa_backbone.errors import DataError

CASES = int(os.environ.get("FUZZ_CASES", 30))
SECONDS = 60  # far beyond what any case takes: longer is a hang
CONFIGS = Path(__file__).parents[2] / "configs"


@cache
def config_of(task: str) -> Config:
    """The task's demo config at an eighth of VGG16's width."""
    if task == "detection":
        cfg = Config.fromfile(CONFIGS / "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py")
        cfg.model.backbone.base_channels = 8
        cfg.model.neck.in_channels = [16, 32, 64, 64]
    elif task == "segmentation":
        cfg = Config.fromfile(CONFIGS / "segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py")
        cfg.model.backbone.update(base_channels=8, init_cfg=None)
        cfg.model.decode_head.in_channels = (8, 16, 32, 64, 64)
        cfg.model.decode_head.loss_decode = {"type": "CrossEntropyLoss"}
        cfg.model.data_preprocessor.size = (64, 64)
    else:
        path = "classification/msa-vgg16-caffe_1xb16-150i_crops-48x48.py"
        cfg = Config.fromfile(CONFIGS / path)
        cfg.model.backbone.init_cfg = None
    return cfg


@cache
def check_tool():
    path = CONFIGS.parent / "tools" / "check_data.py"
    spec = importlib.util.spec_from_file_location("check_data_tool", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def losses_of(cfg: Config, steps: int = 3) -> list[float]:
    """The losses of a few iterations on the config's training data."""
    torch.manual_seed(0)
    init_default_scope(cfg.default_scope)
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    model = MODELS.build(cfg.model).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    losses: list[float] = []
    loader = DataLoader(dataset, batch_size=2, shuffle=True, collate_fn=pseudo_collate)
    while len(losses) < steps:
        for batch in loader:
            data = model.data_preprocessor(batch, training=True)
            loss, _ = model.parse_losses(model(**data, mode="loss"))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if len(losses) == steps:
                break
    return losses


@contextmanager
def no_hang() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise AssertionError(f"no verdict after {SECONDS} seconds")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def readable(error: DataError, root: Path) -> None:
    line = str(error)
    assert "\n" not in line and len(line) < 1500, line
    assert root.name in line, f"names no file: {line}"


def verdict(task: str, root: Path, work_dir: Path) -> Config | None:
    """The config that reads the folder; None where it is refused."""
    cfg = copy.deepcopy(config_of(task))
    cfg.work_dir = str(work_dir)
    try:
        use_data(cfg, str(root)).write_index()
    except DataError as error:
        readable(error, root)
        return None
    return cfg


@pytest.mark.parametrize("case", range(CASES))
def test_a_damaged_folder_gets_a_verdict(case: int, tmp_path: Path, capsys, record_property):
    rng = random.Random(case)
    name = list(FOLDERS)[case % len(FOLDERS)]
    task, write = FOLDERS[name]
    root = tmp_path / "damaged"
    write(root)
    done = [mutate(root, rng) for _ in range(rng.choice((1, 1, 2)))]
    print(f"{name}: {'; '.join(done)}")
    with no_hang():
        errors = 0
        if task != "classification":
            args = Namespace(
                root=str(root), masks=task == "segmentation", classes=None, fix=None, config=None
            )
            try:
                errors = check_tool().check(args)
            except DataError as error:
                readable(error, root)
                errors = 1
        cfg = verdict(task, root, tmp_path / "work")
        # Boxes train without their masks, which the tool looks into as well.
        printed = capsys.readouterr().out.splitlines()
        of_masks = sum(line.startswith("error:") and "segmentation" in line for line in printed)
        assert cfg is None or errors == of_masks, "training takes what is wrong"
        record_property("passed", cfg is not None)
        if cfg is not None:
            losses = losses_of(cfg)
            assert all(torch.isfinite(torch.tensor(losses))), losses


@pytest.mark.parametrize("name", FOLDERS)
def test_the_folder_as_it_was_passes_and_trains(name: str, tmp_path: Path):
    task, write = FOLDERS[name]
    root = tmp_path / "data"
    write(root)
    cfg = verdict(task, root, tmp_path / "work")
    assert cfg is not None
    assert all(torch.isfinite(torch.tensor(losses_of(cfg))))
