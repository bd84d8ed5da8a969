"""tools/test.py with an exported file scores it as its checkpoint."""

import json

import numpy as np
import pytest

pytest.importorskip("mmdet")
from exported_models import CLASSES, noise
from PIL import Image


def scores(work) -> dict:
    (file,) = work.glob("2*/*.json")  # named after the time
    return json.loads(file.read_text())


def both(run_tool, model, file, data, tmp_path) -> tuple[dict, dict]:
    """Scores of a checkpoint, and of the file that it is exported to."""
    workers = [f"test_dataloader.{key}" for key in ("num_workers=0", "persistent_workers=False")]
    for tested, work in ((model.checkpoint, "eager"), (file, "exported")):
        run_tool(
            *("test", model.config, tested, "--data", data, "--work-dir", tmp_path / work),
            *("--cfg-options", *workers),
        )
    return scores(tmp_path / "eager"), scores(tmp_path / "exported")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["faster-rcnn", "mask-rcnn"])
def test_detectors(kind, trained, exported, run_tool, tmp_path):
    """The truth is what the model itself found, so that there is something to score."""
    model, file = trained(kind), exported(kind)
    predictor = model.predictor()
    images, annotations = [], []
    for number in range(4):
        picture = noise(90 + 10 * number, 130, number)
        images.append({"id": number + 1, "file_name": f"{number}.png"})
        images[-1] |= {"height": picture.shape[0], "width": 130}
        (tmp_path / "data").mkdir(exist_ok=True)
        Image.fromarray(picture).save(tmp_path / f"data/{number}.png")
        (sample,) = predictor([picture], ["a"])
        for box, label in zip(
            *(sample.pred_instances[k] for k in ("bboxes", "labels")), strict=True
        ):
            x1, y1, x2, y2 = (round(float(v), 1) for v in box)
            if len(annotations) % 3 or x2 - x1 < 4 or y2 - y1 < 4:
                x1, y1, x2, y2 = 10.0, 10.0, 40.0, 50.0
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": int(label) + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": (x2 - x1) * (y2 - y1),
                    "iscrowd": 0,
                    "segmentation": [[x1, y1, x2, y1, x2, y2, x1, y2]],
                }
            )
    categories = [{"id": id, "name": name} for id, name in enumerate(CLASSES, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    for split in ("train", "val"):
        (tmp_path / f"data/{split}.json").write_text(json.dumps(content))
    eager, exported = both(run_tool, model, file, tmp_path / "data", tmp_path)
    names = ["coco/bbox_mAP"] + (["coco/segm_mAP"] if kind == "mask-rcnn" else [])
    for name in names:
        assert 0.01 < eager[name] == pytest.approx(exported[name], abs=0.002)


@pytest.mark.slow
def test_segmenters(trained, exported, run_tool, tmp_path):
    model, file = trained("fcn"), exported("fcn")
    predictor, rng = model.predictor(), np.random.default_rng(0)
    for split in ("train", "val"):
        for number in range(3):
            picture = noise(90 + 10 * number, 130, number)
            (sample,) = predictor([picture], ["a"])
            mask = sample.pred_sem_seg.data[0].numpy().astype(np.uint8)
            mask[rng.random(mask.shape) < 0.3] = 1
            for folder, array in (("images", picture), ("masks", mask)):
                (tmp_path / f"data/{folder}/{split}").mkdir(parents=True, exist_ok=True)
                Image.fromarray(array).save(tmp_path / f"data/{folder}/{split}/{number}.png")
    (tmp_path / "data/classes.txt").write_text("\n".join(CLASSES))
    eager, exported = both(run_tool, model, file, tmp_path / "data", tmp_path)
    assert 10 < eager["mIoU"] == pytest.approx(exported["mIoU"], abs=0.05)


@pytest.mark.slow
def test_classifiers(trained, exported, run_tool, tmp_path):
    model, file = trained("classifier"), exported("classifier")
    predictor = model.predictor()
    for split in ("train", "val"):
        for name in CLASSES:
            (tmp_path / f"data/{split}/{name}").mkdir(parents=True)
        for number in range(12):
            picture = noise(90 + number, 130, number)
            (sample,) = predictor([picture], ["a"])
            label = int(sample.pred_label) if number % 3 else number % 5
            Image.fromarray(picture).save(tmp_path / f"data/{split}/{CLASSES[label]}/{number}.png")
        for name in CLASSES:  # no class is empty
            Image.fromarray(noise(64, 64)).save(tmp_path / f"data/{split}/{name}/x.png")
    eager, exported = both(run_tool, model, file, tmp_path / "data", tmp_path)
    assert 30 < eager["accuracy/top1"] == pytest.approx(exported["accuracy/top1"])


@pytest.mark.slow
def test_a_file_of_another_task_or_with_options_of_checkpoints(
    trained, exported, run_tool, tiny_config, tmp_path
):
    model, file = trained("classifier"), exported("classifier")
    with pytest.raises(SystemExit, match="is for classification, the config for detection: give"):
        run_tool("test", tiny_config, file)
    with pytest.raises(SystemExit, match=r"--tta changes the model, and .* is exported"):
        run_tool("test", model.config, file, "--tta")
    with pytest.raises(SystemExit, match=r"--slide changes the model, and .* is exported"):
        run_tool("test", model.config, file, "--slide")
    with pytest.raises(SystemExit, match=r"device 'cuda:0' is for checkpoints, and .* is exported"):
        run_tool("predict", file, tmp_path, "--device", "cuda:0")
    with pytest.raises(
        SystemExit, match=r"its pictures have 8 bits; float32 is for LoadModalities"
    ):
        options = ("--out", tmp_path / "float.onnx", "--dtype", "float32")
        run_tool("export", model.config, model.checkpoint, *options)
    with pytest.raises(SystemExit, match=r"missing.onnx does not exist: check the path"):
        run_tool("test", model.config, tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(SystemExit, match=r"text.onnx is no ONNX model \("):
        run_tool("test", model.config, tmp_path / "text.onnx")
