"""Running the tools in this process, and a tiny set of demo data for them."""

import importlib.util
import sys
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer
from processes import leave_unformatted
from yapf.yapflib import yapf_api

TOOLS = Path(__file__).parents[2] / "tools"
DEMO_CONFIG = TOOLS.parent / "configs/detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"


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
        monkeypatch.setattr(yapf_api, "FormatCode", leave_unformatted)
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, args)])
        spec = importlib.util.spec_from_file_location(f"tool_{name}", TOOLS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.main()

    yield run
    forget_runs()


@pytest.fixture
def tiny_config(tmp_path) -> Path:
    """The demo config, narrower, smaller and shorter: 2 epochs of 3 iterations.

    It has no base: `x = dict(...)` that a test appends replaces what is there.
    """
    cfg = Config.fromfile(DEMO_CONFIG)
    cfg.merge_from_dict(
        {
            "model.backbone.base_channels": 8,
            "model.neck": {"in_channels": [16, 32, 64, 64], "out_channels": 32},
            "model.rpn_head": {"in_channels": 32, "feat_channels": 32},
            "model.roi_head.bbox_roi_extractor.out_channels": 32,
            "model.roi_head.bbox_head": {"in_channels": 32, "fc_out_channels": 64},
            "model.train_cfg.rcnn.sampler.num": 32,
            "train_dataloader.batch_size": 8,
            "train_cfg": {"max_epochs": 2, "val_interval": 1},
            "default_hooks.logger.interval": 1,
        }
    )
    for part in ("train", "val", "test"):
        loader = cfg[f"{part}_dataloader"]
        loader.update(num_workers=0, persistent_workers=False)
        for step in loader.dataset.pipeline:
            if step.type == "Resize":
                step.scale = (128, 128)
    path = tmp_path / "tiny.py"
    path.write_text(f"{cfg.pretty_text}\n")  # tests append to it
    return path
