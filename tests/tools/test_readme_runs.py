"""The code blocks of the READMEs run as they stand, on small data under the names they use."""

import os
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from readme_blocks import ROOT, Block, blocks, commands

pytest.importorskip("mmdet")
pytest.importorskip("mmpretrain")
pytest.importorskip("tokenizers")
pytest.importorskip("onnxruntime")
pytest.importorskip("openvino")

from answerers import small_answerer

from msa_backbone.config.classes import set_num_classes
from msa_backbone.config.options import drop_pretrained
from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.export import to_onnx
from msa_backbone.export.runtime.file_info import FileInfo
from msa_backbone.export.to_onnx import export_onnx

RUN = [block for block in blocks() if block.language in ("bash", "python") and not block.not_run]
PAGES = {page: list(found) for page, found in groupby(RUN, key=lambda block: block.page)}
NOT_HERE = ("make", "pip", "source")  # minutes each, and CI begins with them
SMALL, WIDTH = 64, 32


def shrink(config: Path) -> Path:
    """The config without a download, narrow, on small pictures; written in its place."""
    cfg = Config.fromfile(config)
    drop_pretrained(cfg)
    head = {"in_channels": WIDTH, "fc_out_channels": WIDTH}
    cfg.model.merge(
        {
            "backbone": {"base_channels": 8},
            "neck": {"in_channels": [16, 32, 64, 64], "out_channels": WIDTH},
            "rpn_head": {"in_channels": WIDTH, "feat_channels": WIDTH},
            "roi_head": {"bbox_roi_extractor": {"out_channels": WIDTH}, "bbox_head": head},
            "train_cfg": {"rcnn": {"sampler": {"num": WIDTH}}},
        }
    )
    for part in ("train", "val", "test"):
        loader = cfg[f"{part}_dataloader"]
        loader.update(batch_size=8, num_workers=0, persistent_workers=False)
        for step in loader.dataset.pipeline:
            if step.type == "Resize":
                step.scale = (SMALL, SMALL)
    config.write_text(f"{cfg.pretty_text}\n")
    return config


def random_checkpoint(config: Path, file: Path) -> None:
    """Random weights, by which something is found."""
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    torch.manual_seed(0)
    state = MODELS.build(cfg.model).state_dict()
    meta = {"dataset_meta": {"classes": tuple("0123456789")}}
    torch.save({"state_dict": state, "meta": meta}, file)


@pytest.fixture
def stage(tmp_path, demo, monkeypatch) -> Path:
    """The current folder, in which the blocks' names are those of small things."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "configs", "configs")
    shutil.copytree(demo / "coco", "ROOT")
    shrink(Path("configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-5e_320x240.py"))
    demo_config = shrink(Path("configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"))
    shutil.copy(demo_config, "tiny.py")
    random_checkpoint(Path("tiny.py"), Path("tiny.pth"))
    pictures = sorted(Path("ROOT").rglob("*.jpg"))[:2]
    for folder in ("pictures", "PICTURES", "data/demo-questions/images/val"):
        Path(folder).mkdir(parents=True)
        for picture in pictures:
            shutil.copy(picture, folder)
    for name in ("picture.jpg", "photo.jpg"):
        shutil.copy(pictures[0], name)
    film = cv2.VideoWriter("film.mp4", cv2.VideoWriter_fourcc(*"mp4v"), 5, (96, 64))
    for value in (0, 100, 200):
        film.write(np.full((64, 96, 3), value, np.uint8))
    film.release()
    config, checkpoint = small_answerer(tmp_path, "vqa")
    shutil.copy(config, next(Path("configs/multimodal").glob("vqa_*demo*.py")))
    Path("work_dirs/demo-vqa").mkdir(parents=True)
    shutil.copy(checkpoint, "work_dirs/demo-vqa/iter_2000.pth")
    return tmp_path


@pytest.fixture
def two_cameras(stage) -> Path:
    """ROOT and the multimodal configs, for two cameras."""
    shutil.rmtree("ROOT")
    shutil.copytree(make_demo_pairs(stage / "pairs", 8, 4, image_size=SMALL) / "coco", "ROOT")
    config = Path(
        "configs/multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb4-12e_msrs-640x480.py"
    )
    shrink(config)
    cfg = Config.fromfile(config)
    cfg.train_cfg.max_epochs = 1
    set_num_classes(cfg.model, 10, keep_weights=False)
    config.write_text(f"{cfg.pretty_text}\n")
    for camera, suffix in (("visible", "jpg"), ("infrared", "png")):
        night = Path("night", {"infrared": "thermal"}.get(camera, camera))
        night.mkdir(parents=True)
        shutil.copy(next(Path("ROOT", camera, "val").iterdir()), night / f"a.{suffix}")
    random_checkpoint(config, Path("tiny.pth"))
    return stage


@pytest.fixture
def exported_once(monkeypatch) -> None:
    """The exports of one page differ in what is made of the file: it is written once."""
    made: dict[tuple, tuple] = {}

    def export_once(cfg: Config, checkpoint: str, file: Path, *options: object) -> FileInfo:
        key = cfg.pretty_text, checkpoint, *options
        if key not in made:
            info = export_onnx(cfg, checkpoint, file, *options)
            made[key] = info, file.read_bytes()
        file.write_bytes(made[key][1])
        return made[key][0]

    monkeypatch.setattr(to_onnx, "export_onnx", export_once)


NAMES = {"CONFIG": "tiny.py", "CHECKPOINT": "tiny.pth"}


def perform(block: Block, run_tool) -> None:
    """Run the block in the current folder."""
    if block.language == "python":
        import msa_backbone

        exec(block.code, {"msa_backbone": msa_backbone})
        return
    if "<<" in block.code:
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run(["bash", "-ec", block.code], check=True, env={**os.environ, "PATH": path})
        return
    for words in commands(block.code):
        if words[0] in NOT_HERE:
            continue
        program, *arguments = words[1:] if words[0] == "python" else words
        assert program.startswith("tools/"), words
        try:
            run_tool(Path(program).stem, *(NAMES.get(word, word) for word in arguments))
        except SystemExit as end:
            assert not end.code, (words, end.code)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page != "configs/multimodal/README.md"])
def test_the_blocks_of_a_page_run_one_after_the_other(page, stage, exported_once, run_tool):
    for block in PAGES[page]:
        perform(block, run_tool)


@pytest.mark.slow
def test_the_blocks_about_several_cameras_run(two_cameras, run_tool):
    for block in PAGES["configs/multimodal/README.md"]:
        perform(block, run_tool)


def test_what_is_not_run_says_why():
    reasons = [block.not_run for block in blocks() if block.not_run]
    assert all(len(reason.split()) > 2 for reason in reasons)
    assert len(RUN) > len(reasons) > 5
