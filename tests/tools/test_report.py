"""Reports from the command line: of a detector, a segmenter and a classifier, and refusals."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

pytest.importorskip("mmdet")
pytest.importorskip("plotly")
from chromium import WINDOWS, check_report, find_chromium, open_page

from msa_backbone.config.options import drop_pretrained
from msa_backbone.files.training_log import read_records

CONFIGS = Path(__file__).parents[2] / "configs"


def sections(page: str) -> list[str]:
    return re.findall(r'<section id="([\w-]+)">', page)


def charts(page: str) -> dict[str, dict]:
    """By title."""
    texts = re.findall(r'<script type="application/json">(.*?)</script>', page)
    return {chart["layout"]["title"].get("text", ""): chart for chart in map(json.loads, texts)}


def row(page: str, name: str) -> list[str]:
    """The cells of a table's row."""
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", page.split(f"<td>{name}</td>", 1)[1])
    return cells[:3]


@pytest.fixture
def trained(run_tool, tiny_config, demo, tmp_path, monkeypatch) -> Path:
    """The work dir of a detector, trained for six iterations."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(demo, tmp_path / "data/demo")  # where the config looks for it
    run_tool("train", tiny_config, "--work-dir", "work", "--seed", 0)
    return tmp_path / "work"


def test_the_report_of_a_detector(run_tool, trained, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    capsys.readouterr()
    # With a threshold that random weights reach, there are boxes to draw.
    run_tool("report", "work", "--images", 2, "--score-thr", 0.05)
    printed = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"report: work/report\.html \(\d\.\d MiB\)", printed)
    after = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    file = trained / "report.html"
    assert after.pop(file) and {k: v for k, v in after.items() if k != trained} == {
        k: v for k, v in before.items() if k != trained
    }  # nothing else is written
    page = file.read_text()
    names = ["run", "curves", "scores", "classes", "precision-recall", "confusion"]
    assert sections(page) == [*names, "best", "worst", "attention", "config", "environment"]
    drawn = charts(page)
    training, validation = read_records(trained)
    assert drawn["Training loss"]["data"][0]["y"] == pytest.approx(
        [record["loss"] for record in training], rel=1e-4
    )
    for name in ("coco/bbox_mAP", "coco/bbox_mAP_50"):
        assert row(page, name)[0] == f"{validation[-1][name]:.3f}"  # what the training scored
    assert page.count("data:image/jpeg") == 4 * 2 + 4 * 5
    assert "position 30, gate 0." in page
    assert "epoch_2.pth" in page and "2 epochs, 6 iterations" in page
    assert row(page, "PyTorch")[:2] == [torch.__version__] * 2
    assert Config.fromfile(trained / "tiny.py").model.backbone.base_channels == 8
    run_tool("report", "work", "--images", 2, "--score-thr", 0.05, "--out", tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text() == page
    program = find_chromium()
    if program is None:
        pytest.skip("all was tested but how a browser shows it: no Chromium is installed")
    for width, height in WINDOWS:
        with open_page(program) as tab:
            check_report(tab, file, width, height)


def untrained(work: Path, config: str, changes: str, classes: tuple[str, ...]) -> Path:
    """A work dir as a training of random weights, attention awake, would leave it."""
    work.mkdir()
    path = work / "source.txt"
    path.write_text(f"_base_ = {str(CONFIGS / config)!r}\n{changes}")
    cfg = Config.fromfile(path.rename(work.parent / "source.py"))
    if cfg.model.backbone.get("attention") is not None:
        cfg.model.backbone.zero_init = False
    cfg.dump(work / "own.py")
    init_default_scope(cfg.default_scope)
    drop_pretrained(cfg)
    torch.manual_seed(0)
    content = {"state_dict": MODELS.build(cfg.model).state_dict()}
    torch.save(content | {"meta": {"dataset_meta": {"classes": classes}}}, work / "iter_1.pth")
    (work / "last_checkpoint").write_text("elsewhere/iter_1.pth")  # the folder has moved
    return work


def segmenter(work: Path, data: Path) -> Path:
    """The work dir of an untrained segmenter of the demo's digits."""
    pytest.importorskip("mmseg")
    return untrained(
        work,
        "segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py",
        "model = dict(backbone=dict(base_channels=8, init_cfg=None, attention=None,\n"
        "    attention_positions=None), decode_head=dict(in_channels=(8, 16, 32, 64, 64),\n"
        "    decoder_channels=(8, 8, 16, 16, 16)))\n"
        f"dataset = dict(data_root={str(data)!r})\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dataset)\n",
        ("background", *"0123456789"),
    )


def test_the_report_of_a_segmenter(run_tool, demo, tmp_path):
    work = segmenter(tmp_path / "work", demo / "segmentation")
    run_tool("report", work, "--images", 20)
    page = (work / "report.html").read_text()
    names = ["run", "scores", "classes", "precision-recall", "confusion", "best", "worst"]
    assert sections(page) == [*names, "config", "environment"]  # no curves, no attention
    assert page.count("data:image/jpeg") == 8 * 2  # each of the eight images once
    drawn = charts(page)
    lines = drawn["Pixels of each class"]["data"]
    assert [line["name"].split(" (")[0] for line in lines] == ["background", *"0123456789"]
    shares = np.array(drawn[""]["data"][0]["z"])
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-3)
    iou = drawn["IoU (%) by class"]["data"][0]["x"]
    assert float(row(page, "mIoU")[0]) == pytest.approx(np.mean(iou), abs=0.01)


def test_an_unreadable_image_is_named(run_tool, demo, tmp_path):
    data = shutil.copytree(demo / "segmentation", tmp_path / "data")
    work = segmenter(tmp_path / "work", data)
    image = sorted(data.glob("images/val/*"))[5]
    image.write_bytes(b"no image")
    with pytest.raises(SystemExit) as ended:
        run_tool("report", work)
    assert str(ended.value).startswith(f"error: {image}: unreadable image (")
    assert str(ended.value).endswith("; replace the file") and "\n" not in str(ended.value)
    assert not (work / "report.html").exists()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_a_detector_cannot_load_is_one_line(workers, run_tool, demo, tmp_path):
    """One that is gone, one that is none, and one whose pixels only Pillow reads."""
    data = shutil.copytree(demo / "coco", tmp_path / "coco")
    truth = data / "annotations/instances_val.json"
    work = untrained(
        tmp_path / "work",
        "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py",
        "model = dict(backbone=dict(base_channels=8), neck=dict(in_channels=[16, 32, 64, 64]))\n"
        f"dataset = dict(data_root={str(data)!r})\n"
        f"val_dataloader = dict(num_workers={workers}, persistent_workers=False, dataset=dataset)\n"
        f"val_evaluator = dict(ann_file={str(truth)!r})\n",
        tuple("0123456789"),
    )
    names = [image["file_name"] for image in json.loads(truth.read_text())["images"]]
    image = next(data.rglob(names[3]))
    content = image.read_bytes()

    def refused(expected: str) -> None:
        with pytest.raises(SystemExit, match=f"^error: {re.escape(str(image))}: {expected}") as end:
            run_tool("report", work)
        assert "\n" not in str(end.value)

    image.write_bytes(b"no image")
    refused("unreadable image .*; replace the file$")
    image.write_bytes(content[: len(content) // 8])
    refused("unreadable image .*; replace the file$")
    image.unlink()
    refused(r"the val_dataloader cannot load it \(FileNotFoundError.*; mend or replace the file")


@pytest.mark.slow
def test_a_moved_work_dir_is_reported_and_resumed(
    run_tool, tiny_config, demo, tmp_path, monkeypatch, capsys
):
    """Of a VOC folder, whose boxes are read from jsons in the work dir."""
    monkeypatch.chdir(tmp_path)
    data = shutil.copytree(demo / "voc", tmp_path / "first/voc")
    run_tool("train", tiny_config, "--data", data, "--work-dir", "work", "--seed", 0)
    (tmp_path / "new").mkdir()
    moved = Path(shutil.move(tmp_path / "work", tmp_path / "new/run"))
    run_tool("report", moved, "--images", 1)
    page = (moved / "report.html").read_text()
    expected = read_records(moved)[1][-1]["coco/bbox_mAP"]
    assert row(page, "coco/bbox_mAP")[0] == f"{expected:.3f}"

    capsys.readouterr()
    options = ["--cfg-options", "train_cfg.max_epochs=3"]
    run_tool("train", moved / "tiny.py", "--work-dir", moved, "--resume", *options)
    assert f"are read in {moved / 'data'}" in capsys.readouterr().out
    assert [record["step"] for record in read_records(moved)[0]] == [*range(1, 10)]
    assert not (tmp_path / "work").exists()
    run_tool("test", moved / "tiny.py", moved / "epoch_3.pth", "--work-dir", moved)
    assert (moved / "test/results.md").is_file()

    shutil.move(tmp_path / "first", tmp_path / "second")
    with pytest.raises(SystemExit) as ended:
        run_tool("report", moved)
    message = str(ended.value)
    assert f"the folder {tmp_path / 'first'} is missing" in message and "\n" not in message
    assert "name the data's new place with --data ROOT" in message
    with pytest.raises(SystemExit, match=f"--data ROOT; the folder {tmp_path / 'first'} is mis"):
        run_tool("train", moved / "tiny.py", "--work-dir", moved, "--resume", *options)
    data = tmp_path / "second/voc"
    run_tool("report", moved, "--images", 1, "--data", data)
    expected = read_records(moved)[1][-1]["coco/bbox_mAP"]
    assert row((moved / "report.html").read_text(), "coco/bbox_mAP")[0] == f"{expected:.3f}"
    options = ["--cfg-options", "train_cfg.max_epochs=4"]
    arguments = ["--data", data, "--work-dir", moved, "--resume", *options]
    run_tool("train", moved / "tiny.py", *arguments)
    assert [record["step"] for record in read_records(moved)[0]] == [*range(1, 13)]


def test_the_report_of_a_classifier(run_tool, tmp_path):
    pytest.importorskip("mmpretrain")
    random = np.random.default_rng(0)
    for name, shade in (("dark <one>", 20), ("light", 200)):
        (tmp_path / "val" / name).mkdir(parents=True)
        for index in range(3):
            array = random.integers(shade, shade + 40, (30, 20, 3), np.uint8)
            Image.fromarray(array).save(tmp_path / "val" / name / f"{index}.png")
    work = untrained(
        tmp_path / "work",
        "classification/msa-vgg16-caffe_1xb16-150i_crops-48x48.py",
        "model = dict(backbone=dict(depth=11, base_channels=8, frozen_stages=0, init_cfg=None,\n"
        "    attention=dict(type='TimmAttention', name='eca', _delete_=True),\n"
        "    attention_positions='pool'), head=dict(in_channels=64, num_classes=2))\n"
        f"data = dict(type='CustomDataset', data_root={str(tmp_path / 'val')!r}, _delete_=True,\n"
        "    pipeline=[dict(type='LoadImageFromFile'), dict(type='Resize', scale=(48, 48)),\n"
        "    dict(type='PackInputs')])\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=data)\n"
        "val_evaluator = [dict(type='Accuracy', topk=(1,)), dict(type='SingleLabelMetric')]\n",
        ("dark <one>", "light"),
    )
    run_tool("report", work, "--images", 2)
    page = (work / "report.html").read_text()
    assert "dark <one>" not in page.split("<script>")[0] and "dark &lt;one&gt;" in page
    assert page.count("<meter") == 4 * 2
    assert "added 0." in page  # of a module without a spatial gate
    counts = np.array([[int(n or 0) for n in r] for r in charts(page)[""]["data"][0]["text"]])
    assert counts.sum() == 6
    assert float(row(page, "accuracy/top1")[0]) == pytest.approx(100 * counts.trace() / 6, abs=0.01)


@pytest.mark.slow
def test_masks_of_instances_are_reported(run_tool, coco128, tmp_path):
    """Real polygons and crowds, with what the tool writes for --data."""
    truth = json.loads(next(coco128.rglob("*.json")).read_text())
    work = mask_work_dir(tmp_path, coco128, truth)
    run_tool("report", work, "--images", 1)
    page = (work / "report.html").read_text()
    assert "gave no score: nothing was found" in page and row(page, "person")[0] == "0.000"
    every = "model.test_cfg.rcnn.score_thr=0.0"
    run_tool("report", work, "--images", 1, "--score-thr", 0.0, "--cfg-options", every)
    page = (work / "report.html").read_text()
    drawn = charts(page)
    assert any(title.startswith("Masks, each class at IoU 0.5") for title in drawn)
    assert "mask AP" in page and row(page, "coco/segm_mAP")[0]


def mask_work_dir(tmp_path: Path, root: Path, truth: dict) -> Path:
    images = truth["images"][:6]
    ids = {image["id"] for image in images}
    annotations = [own for own in truth["annotations"] if own["image_id"] in ids]
    file = tmp_path / "truth.json"
    file.write_text(json.dumps({**truth, "images": images, "annotations": annotations}))
    folder = next(root.rglob(images[0]["file_name"])).parent
    classes = tuple(own["name"] for own in sorted(truth["categories"], key=lambda own: own["id"]))
    return untrained(
        tmp_path / "work",
        "detection/mask-rcnn_msa-vgg16-caffe_fpn_1xb1-12e_320x240.py",
        "model = dict(backbone=dict(base_channels=8, init_cfg=None, frozen_stages=0),\n"
        "    neck=dict(in_channels=[16, 32, 64, 64]))\n"
        f"own = dict(data_root='', ann_file={str(file)!r}, data_prefix=dict(img={str(folder)!r}),\n"
        f"    metainfo=dict(classes={classes!r}))\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=own)\n"
        f"val_evaluator = dict(type='CocoMetric', ann_file={str(file)!r},\n"
        "    metric=['bbox', 'segm'], _delete_=True)\n",
        classes,
    )


def test_bad_input_ends_in_one_line(run_tool, tiny_config, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    work = tmp_path / "work"

    def refused(expected: str, *options: object) -> None:
        with pytest.raises(SystemExit, match=f"error: {expected}") as ended:
            run_tool("report", work, *options)
        assert "\n" not in str(ended.value)
        assert not list(tmp_path.rglob("report.html*"))

    refused(".*work: no such folder; give the work dir of a training")
    work.mkdir()
    refused(".*work: holds no config, as tools/train.py leaves one; give .* --config FILE")
    for name in ("a.py", "b.py"):
        Config.fromfile(tiny_config).dump(work / name)
    refused(r".*work: holds several configs \(a.py, b.py\); choose with --config")
    refused(
        ".*gone.py: no such file; give one with --config FILE",
        "--config",
        "gone.py",
        "--checkpoint",
        tiny_config,
    )
    (work / "b.py").unlink()
    refused(".*work: names no last_checkpoint, so nothing was saved yet; give a file with")
    (work / "last_checkpoint").write_text("gone/epoch_1.pth")
    refused("gone/epoch_1.pth: no such file; give one with --checkpoint FILE")
    refused(".*gone.pth: no such file; give one with --checkpoint", "--checkpoint", "gone.pth")
    torch.save({"state_dict": {}}, work / "epoch_1.pth")
    refused(
        "data/demo/coco/annotations/instances_val.json does not exist, and the config's "
        "val_dataloader reads it: put the data there, or start from the folder that the training"
    )
    refused("--images -1: give 0 or more", "--images", -1)
    refused(".*work: is a folder; name a file, such as .*report.html", "--out", work)
    refused(".*a.py has no val_dataloader: nothing", "--cfg-options", "val_dataloader=None")


def test_a_checkpoint_of_other_classes_is_refused(run_tool, tiny_config, demo, tmp_path):
    work = untrained(
        tmp_path / "work",
        "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py",
        "model = dict(backbone=dict(base_channels=8), neck=dict(in_channels=[16, 32, 64, 64]))\n"
        f"dataset = dict(data_root={str(demo / 'coco')!r})\n"
        "val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dataset)\n"
        f"val_evaluator = dict(ann_file={str(demo / 'coco/annotations/instances_val.json')!r})\n",
        tuple("abcdefghij"),
    )
    with pytest.raises(
        SystemExit, match=r"was trained on the classes a, b, .*they must be the same"
    ):
        run_tool("report", work)
    checkpoint = torch.load(work / "iter_1.pth", weights_only=True)
    torch.save({"state_dict": checkpoint["state_dict"]}, work / "iter_1.pth")
    run_tool("report", work, "--images", 0)  # without a name, those of the data
    assert "best" not in sections((work / "report.html").read_text())
