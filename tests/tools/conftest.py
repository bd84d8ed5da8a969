"""Running the tools in this process, and a tiny set of demo data for them."""

import importlib.util
import sys
from pathlib import Path

import pytest
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Path:
    """24 training and 8 validation images, in COCO, VOC and segmentation form."""
    pytest.importorskip("sklearn")
    from msa_backbone.data.demo.scenes import make_demo_data

    return make_demo_data(tmp_path_factory.mktemp("data") / "demo", 24, 8, image_size=128)


@pytest.fixture
def run_tool(monkeypatch):
    """Call `run_tool("train", "config.py", ...)`: the tool's main() with these arguments."""
    pytest.importorskip("mmdet")

    def forget_runs() -> None:
        """A Runner registers itself globally; a second one in this process needs a clean slate."""
        for cls in (MMLogger, DefaultScope, Visualizer, *Visualizer.__subclasses__()):
            cls._instance_dict.clear()

    def run(name: str, *args: object) -> None:
        forget_runs()
        # The tools set this for their process; the fixture takes it back.
        monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, args)])
        spec = importlib.util.spec_from_file_location(f"tool_{name}", TOOLS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main()

    yield run
    forget_runs()


@pytest.fixture
def tiny_config(tmp_path) -> Path:
    """The demo config, narrower and shorter still: 2 epochs of 3 iterations."""
    base = TOOLS.parent / "configs/detection/faster-rcnn_msa-vgg16_fpn_1xb2-4e_demo.py"
    path = tmp_path / "tiny.py"
    path.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(backbone=dict(base_channels=8), neck=dict(in_channels=[16, 32, 64, 64]))\n"
        "train_dataloader = dict(batch_size=8, num_workers=0, persistent_workers=False)\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        "test_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        "train_cfg = dict(max_epochs=2, val_interval=1)\n"
        "default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=1))\n"
    )
    return path
