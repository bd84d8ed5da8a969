"""tools/find_thresholds.py: kept in the checkpoint, used by predict, handed on to exports."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
from exported_models import CLASSES, make_trained, noise
from mmengine.config import Config
from PIL import Image

import msa_backbone
from msa_backbone.cli.find_thresholds import Truths, write_thresholds
from msa_backbone.files.checkpoints import read_checkpoint

LIMITED, LIMIT = 4, 0.4


@pytest.fixture
def model(tmp_path):
    """A detector, and data in which class `LIMITED` is right above `LIMIT`, the others always."""
    trained = make_trained("single-level", tmp_path)
    predictor, scores = trained.predictor(), []
    images, annotations = [], []
    (tmp_path / "data").mkdir()
    for number in range(3):
        picture = noise(100, 130, number)
        images.append({"id": number + 1, "file_name": f"{number}.png", "height": 100, "width": 130})
        Image.fromarray(picture).save(tmp_path / f"data/{number}.png")
        (sample,) = predictor([picture], ["a"])
        found = sample.pred_instances.numpy()
        for box, label, score in zip(found.bboxes, found.labels, found.scores, strict=True):
            x1, y1, x2, y2 = (float(value) for value in box)
            if label == LIMITED:
                scores.append(float(score))
            if (label == LIMITED and score < LIMIT) or min(x2 - x1, y2 - y1) < 2:
                continue
            record = {"id": len(annotations) + 1, "image_id": number + 1, "iscrowd": 0}
            record |= {"category_id": int(label) + 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
            annotations.append(record | {"area": (x2 - x1) * (y2 - y1)})
    categories = [{"id": id, "name": name} for id, name in enumerate(CLASSES, 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    for split in ("train", "val"):
        (tmp_path / f"data/{split}.json").write_text(json.dumps(content))
    below = max(score for score in scores if score < LIMIT)
    return trained, (below + min(score for score in scores if score >= LIMIT)) / 2


def test_crowds_are_told_apart(tmp_path):
    image = {"id": 1, "file_name": "a.png", "height": 40, "width": 60}
    objects = [
        {"id": n, "image_id": 1, "category_id": 1, "bbox": [n, 2, 9, 8], "area": 72, "iscrowd": n}
        for n in (0, 1)
    ]
    content = {"images": [image], "annotations": objects, "categories": [{"id": 1, "name": "a"}]}
    (tmp_path / "val.json").write_text(json.dumps(content))
    data = {"type": "CocoDataset", "ann_file": str(tmp_path / "val.json")}
    data |= {"metainfo": {"classes": ("a",)}, "data_prefix": {"img": "pictures/"}}
    cfg = Config({"default_scope": "mmdet", "val_dataloader": {"dataset": data}})
    ((path, boxes, labels, ignored),) = Truths(cfg)
    assert path.name == "a.png" and labels.tolist() == [0, 0]
    found = dict(zip(ignored.tolist(), boxes.tolist(), strict=True))
    assert found == {False: [0, 2, 9, 10], True: [1, 2, 10, 10]}


def test_a_url_is_refused(run_tool):
    with pytest.raises(SystemExit, match=r"error: https://x/a.pth cannot be written anew"):
        run_tool("find_thresholds", "gone.py", "https://x/a.pth")


def test_the_home_folder_may_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    torch.save({"state_dict": {}}, tmp_path / "a.pth")
    write_thresholds("~/a.pth", {"a": 0.5})
    kept = read_checkpoint(tmp_path / "a.pth")["meta"]["dataset_meta"]
    assert kept == {"score_thresholds": {"a": 0.5}}


@pytest.mark.slow
def test_found_kept_and_used(model, run_tool, tmp_path, capsys):
    model, limit = model
    before = read_checkpoint(str(model.checkpoint))
    run_tool("find_thresholds", model.config, model.checkpoint, "--data", tmp_path / "data")
    lines = capsys.readouterr().out.splitlines()
    assert any(x.startswith(f"written into {model.checkpoint}, from 3 pictures;") for x in lines)
    after = read_checkpoint(str(model.checkpoint))
    found = after["meta"]["dataset_meta"].pop("score_thresholds")
    assert tuple(found) == CLASSES
    assert found[CLASSES[LIMITED]] == pytest.approx(limit) and found["b"] < 0.3 < limit
    assert after["meta"] == before["meta"]
    for name, tensor in before["state_dict"].items():
        assert torch.equal(tensor, after["state_dict"][name])
    file = tmp_path / "model.onnx"
    run_tool("export", model.config, model.checkpoint, "--out", file)
    picture = noise(100, 130)
    for loaded in (msa_backbone.load(model.checkpoint), msa_backbone.load(file)):
        assert loaded.thresholds == pytest.approx(tuple(found.values()))
        objects, every = loaded.predict(picture), loaded.predict(picture, score_thr=0.0)
        limits = np.array(loaded.thresholds)
        assert len(objects) == (every.scores >= limits[every.labels]).sum()
        assert 0 < len(objects) < len(every)


@pytest.mark.slow
def test_data_of_other_classes_and_models_without_boxes_are_refused(
    model, trained, run_tool, tmp_path
):
    model, _ = model
    content = json.loads((tmp_path / "data/val.json").read_text())
    content["categories"][0]["name"] = "other"
    for split in ("train", "val"):
        (tmp_path / f"data/{split}.json").write_text(json.dumps(content))
    with pytest.raises(SystemExit, match=r"knows the classes a, b, c, d, e; the data has .*other"):
        run_tool("find_thresholds", model.config, model.checkpoint, "--data", tmp_path / "data")
    fcn = trained("fcn")
    with pytest.raises(SystemExit, match="for semantic segmentation: only boxes have thresholds"):
        run_tool("find_thresholds", fcn.config, fcn.checkpoint)
