"""Predictions from the command line, of all kinds of models, on pictures of every odd kind."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

pytest.importorskip("mmdet")
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from msa_backbone.config.classes import set_num_classes
from msa_backbone.config.load import load_config
from msa_backbone.config.options import drop_pretrained
from msa_backbone.files.images import read_image
from msa_backbone.inference.checkpoint_model import CheckpointModel
from msa_backbone.inference.predict_videos import predict_video
from msa_backbone.inference.predictor import Predictor
from msa_backbone.inference.sources import Stream
from msa_backbone.results.prediction_files import Output

CONFIGS = Path(__file__).parents[2] / "configs"
BASES = {
    "detection": "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py",
    "instances": "detection/mask-rcnn_msa-vgg16-caffe_fpn_1xb1-12e_320x240.py",
    "segmentation": "segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py",
    "classification": "classification/msa-vgg16-caffe_1xb16-150i_crops-48x48.py",
}


@pytest.fixture
def trained(tmp_path):
    """A config and a checkpoint of two classes, which the config does not know of."""

    def make(kind: str) -> tuple[Path, Path]:
        pytest.importorskip(
            {"segmentation": "mmseg", "classification": "mmpretrain"}.get(kind, "mmdet")
        )
        config = CONFIGS / BASES[kind]
        cfg = Config.fromfile(config)
        init_default_scope(cfg.default_scope)
        drop_pretrained(cfg)
        set_num_classes(cfg.model, 2, keep_weights=False)
        torch.manual_seed(0)
        model = MODELS.build(cfg.model)
        meta = {"dataset_meta": {"classes": ("ant", "bee"), "palette": [(255, 0, 0), (0, 0, 255)]}}
        checkpoint = tmp_path / f"{kind}.pth"
        torch.save({"state_dict": model.state_dict(), "meta": meta}, checkpoint)
        return config, checkpoint

    return make


@pytest.fixture
def odd(tmp_path) -> Path:
    """Twelve files: good ones, odd ones, bad ones."""
    root = tmp_path / "odd"
    (root / "sub").mkdir(parents=True)
    random = np.random.default_rng(0)
    small = random.integers(0, 255, (6, 8, 3), np.uint8)
    picture = Image.fromarray(small).resize((80, 60), Image.Resampling.BICUBIC)
    picture.save(root / "sub/upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.rotate(90, expand=True).save(root / "phone.png", exif=exif)
    picture.convert("CMYK").save(root / "cmyk.jpg")
    Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257).save(
        root / "sixteen.png"
    )
    Image.new("RGB", (1, 1), (200, 30, 30)).save(root / "one.png")
    picture.resize((2000, 300)).save(root / "big.jpg")
    picture.save(root / "half.jpg")
    content = (root / "half.jpg").read_bytes()
    (root / "half.jpg").write_bytes(content[: len(content) // 2])
    (root / "text.jpg").write_text("no picture")
    return root


GOOD = {"sub/upright.png", "phone.png", "cmyk.jpg", "sixteen.png", "one.png", "big.jpg"}


def predict(run_tool, trained, kind: str, odd: Path, out: Path, *options: object) -> dict:
    config, checkpoint = trained(kind)
    with pytest.raises(SystemExit) as ended:
        run_tool("predict", config, checkpoint, odd, "--out", out, *options)
    lines = str(ended.value).splitlines()
    assert lines[0] == "not predicted:"
    # A U-Net has no levels for a single pixel: it is told of, and the rest of its batch goes on.
    unfit = {"one.png"} if kind == "segmentation" else set()
    bad = {str(odd / name) for name in ({"half.jpg", "text.jpg"} | unfit)}
    assert {line.split(":")[0].strip() for line in lines[1:]} == bad
    content = json.loads((out / "predictions.json").read_text())
    assert {image["file_name"] for image in content["images"]} == GOOD - unfit
    drawn = {str(f.relative_to(out / "pictures")) for f in (out / "pictures").rglob("*.*")}
    assert drawn == GOOD - unfit
    return content


@pytest.mark.parametrize("kind", ["detection", "instances"])
def test_detections_are_cocos_and_in_the_pictures_own_pixels(
    run_tool, trained, odd, tmp_path, capsys, kind
):
    out = tmp_path / "out"
    options = ("--score-thr", 0.0, "--max-side", 100)
    content = predict(run_tool, trained, kind, odd, out, *options)
    shown = capsys.readouterr().out
    assert "[8/8]" in shown and f"6 of 8 predicted, results in {out}" in shown
    coco = COCO(str(out / "predictions.json"))
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == ["ant", "bee"]
    images = {image["file_name"]: image for image in content["images"]}
    assert (images["phone.png"]["height"], images["phone.png"]["width"]) == (60, 80)
    boxes = {
        name: [(a["category_id"], a["bbox"], a["score"]) for a in coco.imgToAnns[image["id"]]]
        for name, image in images.items()
    }
    # Turned by EXIF, it is the same picture.
    assert boxes["phone.png"] == boxes["sub/upright.png"] != []
    assert boxes["cmyk.jpg"] != boxes["sub/upright.png"]
    left, top, width, height = np.array([box for _, box, _ in boxes["big.jpg"]]).T
    assert (left + width).max() > 1000 and (left + width).max() <= 2000.01
    assert (top + height).max() <= 300.01
    for annotation in content["annotations"]:
        assert annotation["category_id"] in (1, 2) and 0 <= annotation["score"] <= 1
        if kind == "instances":
            image = coco.imgs[annotation["image_id"]]
            decoded = coco_mask.decode(annotation["segmentation"])
            assert decoded.shape == (image["height"], image["width"])
            assert decoded.sum() == annotation["area"]
    assert read_image(out / "pictures/big.jpg").shape[:2] == (15, 100)
    assert read_image(out / "pictures/phone.png").shape[:2] == (60, 80)


def test_the_threshold_and_the_batch_change_what_they_should(run_tool, trained, odd, tmp_path):
    every = predict(run_tool, trained, "detection", odd, tmp_path / "a", "--score-thr", 0.0)
    thr = sorted(a["score"] for a in every["annotations"])[len(every["annotations"]) // 2]
    some = predict(run_tool, trained, "detection", odd, tmp_path / "b", "--score-thr", thr)
    assert 0 < len(some["annotations"]) < len(every["annotations"])
    assert min(a["score"] for a in some["annotations"]) >= thr - 1e-4


def test_masks_have_the_pictures_size(run_tool, trained, odd, tmp_path):
    out = tmp_path / "out"
    content = predict(run_tool, trained, "segmentation", odd, out, "--batch-size", 2)
    for image in content["images"]:
        mask = np.asarray(Image.open(out / image["mask"]))
        assert mask.shape == (image["height"], image["width"]) and mask.max() < 2
        shares = {n: (mask == i).mean() for i, n in enumerate(("ant", "bee")) if (mask == i).any()}
        assert image["shares"] == pytest.approx(shares, abs=1e-4)
    assert read_image(out / "pictures/big.jpg").shape[:2] == (288, 1920)


def test_classes_have_scores_that_add_up(run_tool, trained, odd, tmp_path):
    content = predict(run_tool, trained, "classification", odd, tmp_path / "out", "--batch-size", 4)
    for image in content["images"]:
        assert sum(image["scores"].values()) == pytest.approx(1, abs=1e-3)
        assert image["scores"][image["class"]] == image["score"] == max(image["scores"].values())
    assert content["categories"] == [{"id": 0, "name": "ant"}, {"id": 1, "name": "bee"}]


def test_what_fails_counts_as_done(run_tool, trained, odd, tmp_path, capsys):
    """Each of the eight images has its number, the ones that cannot be predicted on too."""
    for batch_size in (1, 3):
        predict(
            run_tool, trained, "segmentation", odd, tmp_path / "out", "--batch-size", batch_size
        )
        shown = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
        assert [line.split("]")[0] for line in shown] == [f"[{i}/8" for i in range(1, 9)]
        assert sum("/one.png: " in line for line in shown) == 1


def film(path: Path, frames: int, size: tuple[int, int] = (96, 64), codec: str = "MJPG") -> Path:
    path.parent.mkdir(exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), 12, size)
    for shade in range(frames):
        writer.write(np.full((*size[::-1], 3), 30 * shade, np.uint8))
    writer.release()
    return path


def test_a_video_becomes_a_video(run_tool, trained, tmp_path, capsys):
    config, checkpoint = trained("detection")
    out = tmp_path / "out"
    run_tool(
        *("predict", config, checkpoint, film(tmp_path / "film.avi", 7), "--out", out),
        *("--batch-size", 2, "--max-frames", 5, "--score-thr", 0.0),
    )
    assert "[5/5]" in capsys.readouterr().out
    capture = cv2.VideoCapture(str(out / "film.mp4"))
    assert capture.get(cv2.CAP_PROP_FPS) == 12
    assert (capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FRAME_WIDTH)) == (5, 96)
    assert len(json.loads((out / "film.json").read_text())["images"]) == 5


def test_videos_leave_each_others_results_alone(run_tool, trained, tmp_path):
    lengths = {
        "clip.v1.avi": 1,
        "clip.v2.avi": 2,
        "a.avi": 3,
        "a.mp4": 4,
        "sub/b.avi": 2,
        "b.avi": 1,
    }
    for name, frames in lengths.items():
        film(tmp_path / "films" / name, frames, codec="mp4v" if name == "a.mp4" else "MJPG")
    config, checkpoint = trained("segmentation")
    out = tmp_path / "out"
    run_tool("predict", config, checkpoint, tmp_path / "films", "--out", out)
    results = dict(
        zip(lengths, ("clip.v1", "clip.v2", "a.avi", "a.mp4", "sub/b", "b"), strict=True)
    )
    for name, result in results.items():
        images = json.loads((out / f"{result}.json").read_text())["images"]
        names = [f"{result}_{number:06d}" for number in range(lengths[name])]
        assert [image["file_name"] for image in images] == names
        assert all((out / image["mask"]).is_file() for image in images)
        capture = cv2.VideoCapture(str(out / f"{result}.mp4"))
        assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == lengths[name]
    masks = [path for path in (out / "masks").rglob("*") if path.is_file()]
    assert len(masks) == sum(lengths.values())


def test_a_source_is_not_replaced(run_tool, trained, tmp_path):
    source = film(tmp_path / "film.mp4", 2, codec="mp4v")
    (tmp_path / "pictures").mkdir()
    image = tmp_path / "pictures/one.png"
    Image.new("RGB", (60, 40)).save(image)
    before = source.read_bytes(), image.read_bytes()
    config, checkpoint = trained("detection")
    with pytest.raises(SystemExit) as ended:
        run_tool("predict", config, checkpoint, source, image, "--out", tmp_path)
    lines = str(ended.value).splitlines()
    assert len(lines) == 3 and all("this input would be replaced" in line for line in lines[1:])
    assert before == (source.read_bytes(), image.read_bytes())


def test_a_video_that_is_stopped_is_kept(trained, tmp_path):
    config, checkpoint = trained("detection")
    predictor = Predictor(load_config(str(config), str(tmp_path), {}), str(checkpoint))
    video = Stream(str(film(tmp_path / "film.avi", 6)), "film.avi")
    steps = predict_video(CheckpointModel(predictor), Output(tmp_path), video, "stopped")
    assert [next(steps).done, next(steps).total] == [1, 6]
    steps.close()
    capture = cv2.VideoCapture(str(tmp_path / "stopped.mp4"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 2
    assert len(json.loads((tmp_path / "stopped.json").read_text())["images"]) == 2


def test_ctrl_c_in_a_video_ends_it_all(run_tool, trained, tmp_path, monkeypatch, capsys):
    def find(model: CheckpointModel, pictures: list, names: list) -> list:
        if names[0].endswith("2"):
            raise KeyboardInterrupt
        return original(model, pictures, names)

    original = CheckpointModel.find
    monkeypatch.setattr(CheckpointModel, "find", find)
    films, out = [film(tmp_path / f"{name}.avi", 5) for name in "ab"], tmp_path / "out"
    with pytest.raises(SystemExit, match=f"stopped; what was predicted until then is in {out}"):
        run_tool("predict", *trained("segmentation"), *films, "--out", out)
    assert "of 2 predicted" not in capsys.readouterr().out
    assert len(json.loads((out / "a.json").read_text())["images"]) == 2
    assert not (out / "b.json").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--batch-size", 0], "--batch-size 0: give 1 or more"),
        (["--overlap", 0.4], "--overlap is of tiles: give --tiles SIDE"),
        (["--cfg-options", "model.backbone.base_channels=32"], "in the file and"),
    ],
)
def test_bad_input_ends_in_one_line(run_tool, trained, odd, tmp_path, options, expected):
    config, checkpoint = trained("detection")
    out = tmp_path / "out"
    with pytest.raises(SystemExit, match=f"error: .*{expected}"):
        run_tool("predict", config, checkpoint, odd, "--out", out, *options)
    assert not out.exists()
    with pytest.raises(SystemExit, match=r"error: gone: no such file, folder or pattern"):
        run_tool("predict", config, checkpoint, "gone", "--out", out)


def test_classes_that_nobody_names_are_asked_for(run_tool, trained, odd, tmp_path):
    config, checkpoint = trained("classification")
    content = torch.load(checkpoint, weights_only=True)
    torch.save({"state_dict": content["state_dict"]}, checkpoint)
    with pytest.raises(SystemExit, match=r"error: neither .* names the classes: give them with"):
        run_tool("predict", config, checkpoint, odd, "--out", tmp_path / "out")
