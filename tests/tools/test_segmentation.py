"""The tools on masks: short runs through --data, tests by window and mirror, and fine-tuning."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

from msa_backbone.files.checkpoints import read_state_dict

pytest.importorskip("mmseg")

CONFIGS = Path(__file__).parents[2] / "configs"
CLASSES = ("background", *"0123456789")


@pytest.fixture
def segment_config(tmp_path) -> Path:
    """The demo's segmentation config, narrower and shorter still: 4 iterations, from scratch."""
    base = CONFIGS / "segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py"
    path = tmp_path / "segment.py"
    path.write_text(
        f"_base_ = {str(base)!r}\n"
        "model = dict(backbone=dict(base_channels=8, init_cfg=None), decode_head=dict(\n"
        "    in_channels=(8, 16, 32, 64, 64), decoder_channels=(8, 8, 16, 16, 16),\n"
        "    loss_decode=dict(class_weight=None)))\n"
        "train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        "test_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        "train_cfg = dict(max_iters=4, val_interval=2)\n"
        "default_hooks = dict(logger=dict(interval=1), checkpoint=dict(interval=4))\n"
    )
    return path


def scores(results: Path) -> dict[str, float]:
    """Name and first number of every row."""
    rows = re.findall(r"^\| (\S+) \| ([\d.]+|nan) ", results.read_text(), re.MULTILINE)
    return {name: float(value) for name, value in rows}


@pytest.mark.slow
def test_train_on_masks_then_resume_and_test(run_tool, segment_config, demo, tmp_path, capsys):
    work, data = tmp_path / "work", ["--data", demo / "segmentation"]
    run_tool("train", segment_config, *data, "--work-dir", work, "--seed", 0)
    printed = capsys.readouterr().out
    assert "11 classes, as classes.txt names them: background, 0" in printed
    assert "train: 24 images" in printed and "val: 8 images" in printed
    trained = scores(work / "results.md")
    assert {"mIoU", "mAcc", "aAcc", "IoU/background", "Acc/9"} <= trained.keys()
    for name in ("curves.png", "predictions.png"):
        assert np.asarray(Image.open(work / name).convert("L")).std() > 10, name
    # truth and prediction side by side, 480 pixels each, three rows of two
    assert Image.open(work / "predictions.png").size == (2 * 960 + 6, 3 * 480 + 12)

    more = ["--cfg-options", "train_cfg.max_iters=6", "default_hooks.checkpoint.interval=6"]
    run_tool("train", segment_config, *data, "--work-dir", work, "--resume", *more)
    checkpoint = work / "iter_6.pth"
    assert read_state_dict(checkpoint).keys() == read_state_dict(work / "iter_4.pth").keys()

    found = {}
    for name, options in {
        "whole": [],
        "slide": ["--slide", "64"],
        "slide of one": ["--slide", "128"],
        "flips": ["--tta"],
        "both": ["--slide", "64", "--tta"],
    }.items():
        out = tmp_path / name
        run_tool(
            "test", segment_config, checkpoint, *data, "--work-dir", out, "--seed", 0, *options
        )
        found[name] = scores(out / "results.md")
        assert len([key for key in found[name] if key.startswith("IoU/")]) == 11
        assert (out / "predictions.png").is_file()
    # one window of the whole image is the whole image, smaller ones and flips are not
    assert found["slide of one"] == found["whole"]
    assert found["slide"] != found["whole"] != found["flips"] != found["both"]


@pytest.mark.slow
def test_the_score_of_a_test_is_that_of_the_written_predictions(
    run_tool, segment_config, demo, tmp_path
):
    """mIoU recomputed from the masks that mmseg's metric writes, by counting pixels."""
    work, data = tmp_path / "work", ["--data", demo / "segmentation"]
    run_tool("train", segment_config, *data, "--work-dir", work)
    out = tmp_path / "test"
    options = ["--cfg-options", f"test_evaluator.0.output_dir={out / 'masks'}"]
    run_tool("test", segment_config, work / "iter_4.pth", *data, "--work-dir", out, *options)
    counts = np.zeros((11, 11), int)
    for path in (out / "masks").iterdir():
        truth = np.asarray(Image.open(demo / "segmentation/masks/val" / path.name))
        guess = np.asarray(Image.open(path))
        np.add.at(counts, (truth.ravel(), guess.ravel()), 1)
    hits = np.diag(counts)
    union = counts.sum(0) + counts.sum(1) - hits
    iou = 100 * hits / union
    found = scores(out / "results.md")
    assert found["mIoU"] == pytest.approx(np.nanmean(iou), abs=0.01)
    for name, value in zip(CLASSES, iou, strict=True):
        assert found[f"IoU/{name}"] == pytest.approx(value, abs=0.01)


@pytest.mark.slow
def test_masks_from_coco_instances_and_voc_layout(run_tool, segment_config, demo, tmp_path):
    run_tool("train", segment_config, "--data", demo / "coco", "--work-dir", tmp_path / "coco")
    drawn = next((tmp_path / "coco/data").glob("masks-val-*"))
    for path in (demo / "segmentation/masks/val").iterdir():
        own, theirs = (np.asarray(Image.open(p)) for p in (drawn / path.name, path))
        assert np.array_equal(own, theirs), path.name

    root = tmp_path / "data/VOC2012"
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    for kind, target in (("images", "JPEGImages"), ("masks", "SegmentationClass")):
        for split in ("train", "val"):
            shutil.copytree(demo / "segmentation" / kind / split, root / target, dirs_exist_ok=True)
    for split in ("train", "val"):
        names = sorted(p.stem for p in (demo / "segmentation/images" / split).iterdir())
        (root / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(names))
    run_tool(
        *("train", segment_config, "--data", tmp_path / "data", "--classes", *CLASSES),
        *("--work-dir", tmp_path / "voc", "--seed", 0),
    )
    assert len(scores(tmp_path / "voc/results.md")) == 3 + 22


def same_tensors(model: dict, file: dict, prefix: str = "backbone.") -> set[str]:
    names = {name for name in model.keys() & file.keys() if name.startswith(prefix)}
    return {name for name in names if torch.equal(model[name], file[name])}


@pytest.mark.slow
def test_a_detector_is_fine_tuned_for_segmentation_and_back(
    run_tool, tiny_config, segment_config, demo, tmp_path, capfd
):
    detector, segmenter = tmp_path / "detector", tmp_path / "segmenter"
    one_epoch = ["--cfg-options", "train_cfg.max_epochs=1"]
    run_tool("train", tiny_config, "--data", demo / "coco", "--work-dir", detector, *one_epoch)
    file = read_state_dict(detector / "epoch_1.pth")
    backbone = {name for name in file if name.startswith("backbone.")}

    capfd.readouterr()
    masks = ["--data", demo / "segmentation", "--work-dir", segmenter]
    # A learning rate of 0: what was loaded is what is saved.
    frozen = ["optim_wrapper.optimizer.lr=0", "param_scheduler=None"]
    frozen += ["model.backbone.norm_eval=True"]
    run_tool(
        *("train", segment_config, *masks, "--weights", detector / "epoch_1.pth"),
        *("--cfg-options", *frozen),
    )
    printed = "".join(capfd.readouterr())
    # every tensor of the detector's backbone but the attention behind the last pool
    last = {name for name in backbone if name.startswith("backbone.attentions.30.")}
    kept = backbone - last
    counters = {name for name in kept if name.endswith("num_batches_tracked")}
    assert f"(prefix 'backbone.'): {len(kept)} of {len(kept)} tensors loaded" in printed
    assert f"{len(last)} in the file, not used: backbone.attentions.30.conv1x1" in printed
    heads = len(file) - len(backbone)
    assert f"{heads} of other parts of the model in the file: neck (" in printed
    assert "norm layers have no place" not in printed  # the neck's are not the backbone's
    found = same_tensors(read_state_dict(segmenter / "iter_4.pth"), file)
    assert found >= kept - counters

    capfd.readouterr()
    back = ["--data", demo / "coco", "--work-dir", tmp_path / "back"]
    frozen = ["optim_wrapper.optimizer.lr=0", "param_scheduler=None"]
    frozen += ["model.backbone.norm_eval=True"]
    run_tool(
        *("train", tiny_config, *back, "--weights", segmenter / "iter_4.pth"),
        *("--cfg-options", "train_cfg.max_epochs=1", *frozen),
    )
    assert f"{len(kept)} of {len(backbone)} tensors loaded" in "".join(capfd.readouterr())
    found = same_tensors(read_state_dict(tmp_path / "back/epoch_1.pth"), file)
    assert found >= kept - counters


@pytest.fixture
def masks(tmp_path) -> Path:
    """Three images with palette masks of two classes."""
    root = tmp_path / "data"
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    for name in "abc":
        Image.effect_noise((64, 48), 80).convert("RGB").save(root / f"images/{name}.jpg")
        mask = Image.fromarray(np.resize(np.array([0, 1, 255], np.uint8), (48, 64)))
        mask.putpalette([0, 0, 0, 255, 0, 0] + [0] * 762)
        mask.save(root / f"masks/{name}.png")
    (root / "classes.txt").write_text("ground\nroad\n")
    return root


@pytest.fixture
def refuse(run_tool, segment_config, masks, tmp_path):
    """Run train.py on the masks, expect one line, and nothing written."""

    def call(*args: object) -> str:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as exit_:
            run_tool(
                "train", segment_config, "--data", masks, "--work-dir", tmp_path / "work", *args
            )
        message = str(exit_.value)
        assert message.startswith("error: ") and "\n" not in message
        after = [p for p in sorted(tmp_path.rglob("*")) if "__pycache__" not in p.parts]
        assert after == before, "something was written"
        return message

    return call


def change_mask(masks: Path, change) -> None:
    path = masks / "masks/b.png"
    change(Image.open(path)).save(path)


def test_mask_of_another_size(refuse, masks):
    change_mask(masks, lambda mask: mask.resize((32, 24), 0))
    message = refuse()
    assert "masks/b.png: is 32 x 24" in message and "64 x 48" in message


def test_mask_value_outside_the_classes(refuse, masks):
    change_mask(masks, lambda mask: mask.convert("L").point(lambda v: 9))
    message = refuse()
    assert "holds the value" in message and "0 to 1" in message


def test_missing_mask(refuse, masks):
    (masks / "masks/b.png").unlink()
    assert "images/b.jpg: has no mask" in refuse()


def test_palette_mask_saved_as_colours(refuse, masks):
    change_mask(masks, lambda mask: mask.convert("RGB"))
    assert "masks/b.png: is a picture in colours (RGB)" in refuse()


def test_palette_mask_read_as_colours(refuse, segment_config):
    reader = "dict(type='LoadAnnotations', imdecode_backend='cv2')"
    steps = f"[dict(type='LoadImageFromFile'), {reader}, dict(type='PackSegInputs')]"
    text = segment_config.read_text().replace(
        "batch_size=4,", f"batch_size=4, dataset=dict(pipeline={steps}),"
    )
    segment_config.write_text(text)
    assert "reads masks with cv2" in refuse()


def test_unknown_class_names(refuse, masks):
    (masks / "classes.txt").unlink()
    assert "class names are unknown" in refuse()
    assert "holds the value" not in refuse("--classes", "ground", "road", "--weights", "none.pth")


@pytest.mark.parametrize("depth", [11, 13, 19])
def test_detection_checkpoint_of_another_depth(refuse, tmp_path, depth):
    cfg = Config.fromfile(CONFIGS / "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py")
    cfg.model.backbone.update(depth=depth, base_channels=8, attention_positions="pool")
    cfg.model.neck.in_channels = [16, 32, 64, 64]
    init_default_scope("mmdet")
    path = tmp_path / "detector.pth"
    torch.save({"state_dict": MODELS.build(cfg.model).state_dict(), "optimizer": {}}, path)
    message = refuse("--weights", path)
    assert str(path) in message and "depth" in message


def test_a_checkpoint_of_other_classes_is_not_tested(run_tool, segment_config, masks, tmp_path):
    cfg = Config.fromfile(segment_config)
    cfg.model.decode_head.num_classes = 2
    init_default_scope("mmseg")
    meta = {"dataset_meta": {"classes": ["ground", "water"]}}
    torch.save(
        {"state_dict": MODELS.build(cfg.model).state_dict(), "meta": meta}, tmp_path / "model.pth"
    )
    with pytest.raises(SystemExit, match="trained on the classes ground, water"):
        run_tool(
            *("test", segment_config, tmp_path / "model.pth", "--data", masks),
            *("--work-dir", tmp_path / "work"),
        )
    assert not (tmp_path / "work").exists()


def test_options_for_masks_are_refused_for_boxes(run_tool, tiny_config, demo, tmp_path):
    cfg = Config.fromfile(tiny_config)
    init_default_scope("mmdet")
    torch.save({"state_dict": MODELS.build(cfg.model).state_dict()}, tmp_path / "model.pth")
    for option in ("--slide", "--tta"):
        with pytest.raises(SystemExit, match=f"{option} serves segmentation configs"):
            run_tool(
                *("test", tiny_config, tmp_path / "model.pth", "--data", demo / "coco", option),
                *("--work-dir", tmp_path / "work"),
            )
    assert not (tmp_path / "work").exists()
