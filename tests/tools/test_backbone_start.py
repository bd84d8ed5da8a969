"""A classifier starts a detector and a segmenter by --weights: every tensor of its backbone."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from msa_backbone import MSAVGG
from msa_backbone.files.checkpoints import read_state_dict

pytest.importorskip("mmpretrain")
pytest.importorskip("mmdet")

CONFIGS = Path(__file__).parents[2] / "configs"
CLASSIFIER = CONFIGS / "classification/msa-vgg16-bn-c16_1xb128-20e_tinyimagenet50-48x48.py"
POOLS = (4, 9, 16, 23)


@HOOKS.register_module(force=True)
class KeepStart(Hook):
    """Leaves the backbone as it is before the first step in the work dir."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if runner.iter == 0:
            torch.save(runner.model.backbone.state_dict(), Path(runner.work_dir, "start.pth"))


@pytest.fixture
def classifier(run_tool, demo, tmp_path) -> Path:
    """The checkpoint of two iterations on crops of the demo's digits, with a rate that moves all.

    Batch norm and attention at every pool, as the demo's detector has them.
    """
    run_tool("make_crops", demo / "coco", tmp_path / "crops", "--size", 48, "--max-per-class", 4)
    config = tmp_path / "classifier.py"
    config.write_text(
        f"_base_ = {str(CLASSIFIER)!r}\n"
        "model = dict(backbone=dict(base_channels=8, out_before_pool=False, zero_init=False,\n"
        "    attention=dict(reduction_ratio=8), attention_positions='pool'),\n"
        "    head=dict(in_channels=64))\n"
        "train_dataloader = dict(batch_size=16)\n"
        "train_cfg = dict(_delete_=True, type='IterBasedTrainLoop', max_iters=2, val_interval=2)\n"
        "param_scheduler = []\n"
        "default_hooks = dict(checkpoint=dict(by_epoch=False, interval=2))\n"
    )
    work = tmp_path / "classifier"
    run_tool("train", config, "--data", tmp_path / "crops", "--work-dir", work, "--seed", 0)
    return work / "iter_2.pth"


def backbone_of(checkpoint: Path) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix("backbone."): tensor
        for name, tensor in read_state_dict(checkpoint).items()
        if name.startswith("backbone.")
    }


@pytest.fixture
def detector(tiny_config) -> Path:
    with tiny_config.open("a") as file:
        file.write("train_cfg['max_epochs'] = 1\n")
        file.write("custom_hooks = [dict(type='KeepStart')]\n")
    return tiny_config


@pytest.mark.slow
def test_a_classifier_starts_a_detector_and_the_report_says_so(
    run_tool, classifier, detector, demo, tmp_path, capfd, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(demo, tmp_path / "data/demo")
    capfd.readouterr()
    run_tool("train", detector, "--weights", classifier, "--work-dir", "work", "--seed", 0)
    taken = (
        f"{classifier} (prefix 'backbone.'): 161 of 161 tensors loaded (convolutions 26 of 26, "
        "norms 65 of 65, attention 70 of 70); attention included"
    )
    assert f"Weights from {taken}\n" in capfd.readouterr().out
    learned, start = backbone_of(classifier), torch.load(tmp_path / "work/start.pth")
    assert learned.keys() == start.keys() and len(start) == 161
    assert all(torch.equal(tensor, start[name]) for name, tensor in learned.items())
    assert start["features.1.running_mean"].any() and start["features.1.num_batches_tracked"] == 2
    assert start["attentions.4.fusion_conv.weight"].any()
    trained = backbone_of(tmp_path / "work/epoch_1.pth")
    assert not torch.equal(trained["features.0.weight"], start["features.0.weight"])

    pytest.importorskip("plotly")
    run_tool("report", "work", "--images", 1)
    page = (tmp_path / "work/report.html").read_text().replace("&#39;", "'")
    assert f"<dt>started from</dt><dd>{taken}</dd>" in page


@pytest.mark.slow
def test_a_classifier_starts_a_segmenter(run_tool, classifier, demo, tmp_path, capfd):
    pytest.importorskip("mmseg")
    config = tmp_path / "segmenter.py"
    base = CONFIGS / "segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py"
    config.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(backbone=dict(base_channels=8), decode_head=dict(\n"
        "    in_channels=(8, 16, 32, 64, 64), decoder_channels=(8, 8, 16, 16, 16)))\n"
        "train_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        "train_cfg = dict(max_iters=1, val_interval=1)\n"
        "custom_hooks = [dict(type='KeepStart')]\n"
    )
    work = tmp_path / "work"
    options = ["--data", demo / "segmentation", "--weights", classifier, "--work-dir", work]
    run_tool("train", config, *options)
    assert "attention 56 of 56); attention included" in capfd.readouterr().out
    learned, start = backbone_of(classifier), torch.load(work / "start.pth")
    beyond = {name for name in learned if name.startswith("attentions.30.")}
    assert learned.keys() - start.keys() == beyond and len(beyond) == 14
    assert all(torch.equal(tensor, learned[name]) for name, tensor in start.items())
    assert {f"attentions.{place}.conv5x5.weight" for place in POOLS} < start.keys()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("norm_cfg=None", "build the model with norm_cfg=dict(type='BN')"),
        ("base_channels=16", "build the model with the file's base_channels=8"),
        ("attention_positions=relu", "build the model with attention_positions=(4, 9, 16, 23, 30)"),
        ("attention.reduction_ratio=4", "attention, its type and reduction_ratio among it"),
    ],
)
def test_another_backbone_is_refused_before_anything_is_written(
    run_tool, detector, demo, tmp_path, option, message
):
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 8}
    model = MSAVGG(base_channels=8, norm_cfg={"type": "BN"}, attention=attention)
    state = {f"backbone.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"state_dict": state}, tmp_path / "classifier.pth")
    with pytest.raises(SystemExit, match=f"^error: weights .*{re.escape(message)}"):
        run_tool(
            *("train", detector, "--data", demo / "coco", "--work-dir", tmp_path / "work"),
            *("--weights", tmp_path / "classifier.pth"),
            *("--cfg-options", f"model.backbone.{option}"),
        )
    assert not (tmp_path / "work").exists()
