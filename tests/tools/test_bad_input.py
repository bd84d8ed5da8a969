"""Bad input ends in one line that names the culprit and the fix, and nothing is written."""

import json
import os
import pickle
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from PIL import Image

CAUGHT = "tool-was-executed"
TOOLS = Path(__file__).parents[2] / "tools"


def coco(root: Path, names=("a.jpg", "b.jpg"), objects=True) -> Path:
    """A COCO folder with one object in each image."""
    (root / "images").mkdir(parents=True)
    (root / "annotations").mkdir()
    for name in names:
        Image.effect_noise((64, 48), 80).convert("RGB").save(root / "images" / name)
    for split in ("train", "val"):
        content = {
            "images": [
                {"id": i, "file_name": n, "width": 64, "height": 48} for i, n in enumerate(names)
            ],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [
                {
                    "id": i,
                    "image_id": i,
                    "category_id": 1,
                    "bbox": [4, 4, 20, 20],
                    "area": 400,
                    "iscrowd": 0,
                }
                for i in range(len(names) if objects else 0)
            ],
        }
        (root / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
    return root


@pytest.fixture
def data(tmp_path) -> Path:
    return coco(tmp_path / "data")


class Malicious:
    def __reduce__(self):
        return os.system, (f"touch {CAUGHT}",)


@pytest.fixture
def refuse(run_tool, tiny_config, tmp_path, monkeypatch, capsys):
    """Run train.py, expect a refusal, and return its line."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object, config: Path = tiny_config) -> str:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(SystemExit) as exit_:
            run_tool("train", config, "--work-dir", tmp_path / "work", *args)
        message = str(exit_.value)
        assert message.startswith("error: ")
        assert "\n" not in message
        after = [p for p in sorted(tmp_path.rglob("*")) if "__pycache__" not in p.parts]
        assert after == before, "something was written"
        return message

    return call


def test_data_folder_is_missing(refuse, tmp_path):
    message = refuse("--data", tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in message
    assert "no such folder" in message


def test_data_folder_is_empty(refuse, tmp_path):
    (tmp_path / "empty").mkdir()
    message = refuse("--data", tmp_path / "empty")
    assert "an empty folder" in message
    assert "annotations/" in message


def test_data_folder_of_neither_format(refuse, tmp_path):
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/notes.txt").write_text("hello")
    message = refuse("--data", tmp_path / "odd")
    assert "no labels of a known format" in message
    assert "JPEGImages/" in message


def test_annotation_names_a_missing_image(refuse, tmp_path):
    root = coco(tmp_path / "data", names=("a.jpg", "b.jpg", "c.jpg", "d.jpg"))
    (root / "images/d.jpg").unlink()
    message = refuse("--data", root)
    assert "d.jpg" in message
    assert "missing image" in message


def test_truncated_jpeg(refuse, tmp_path):
    root = coco(tmp_path / "data")
    path = root / "images/b.jpg"
    path.write_bytes(path.read_bytes()[:400])
    message = refuse("--data", root)
    assert str(path) in message
    assert "replace the file" in message


def test_zero_annotations(refuse, tmp_path):
    message = refuse("--data", coco(tmp_path / "data", objects=False))
    assert "instances_train.json" in message
    assert "no object to train on" in message


def test_weights_match_no_key(refuse, tmp_path, data):
    torch.save({"layer1.0.conv1.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "resnet.pth")
    message = refuse("--data", data, "--weights", tmp_path / "resnet.pth")
    assert "resnet.pth" in message
    assert "layer1.0.conv1.weight" in message
    assert "features.0.weight" in message


def test_weights_file_is_missing(refuse, tmp_path, data):
    message = refuse("--data", data, "--weights", tmp_path / "none.pth")
    assert "none.pth does not exist" in message


@pytest.mark.parametrize("save", [torch.save, lambda x, p: p.write_bytes(pickle.dumps(x))])
def test_malicious_pickle_is_not_executed(refuse, tmp_path, save, data):
    save({"state_dict": Malicious()}, tmp_path / "evil.pth")
    message = refuse("--data", data, "--weights", tmp_path / "evil.pth")
    assert "evil.pth is no checkpoint" in message
    assert not (tmp_path / CAUGHT).exists()


def test_malicious_checkpoint_to_resume_or_test_is_not_executed(
    run_tool, tiny_config, tmp_path, data
):
    torch.save({"state_dict": Malicious(), "meta": {}}, tmp_path / "evil.pth")
    with pytest.raises(SystemExit, match="no checkpoint of plain tensors"):
        run_tool(
            *("test", tiny_config, tmp_path / "evil.pth", "--data", data),
            *("--work-dir", tmp_path / "work"),
        )
    assert not (tmp_path / "work").exists()
    with pytest.raises(SystemExit, match="no checkpoint of plain tensors"):
        run_tool(
            *("train", tiny_config, "--data", data, "--resume", tmp_path / "evil.pth"),
            *("--work-dir", tmp_path / "work"),
        )
    assert not (tmp_path / "work").exists()
    assert not Path(CAUGHT).exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["model.backbone.attention_positions=[4,31]"], ["31", "0 to 30"]),
        (["model.backbone.attention.reduction_ratio=512"], ["512", "choose 1 to"]),
        (["model.backbone.out_indices=[1,2,3,5]"], ["5", "0 to 4"]),
        (
            ["model.backbone.attention.reduction_ration=4"],
            ["reduction_ration", "reduction_ratio'?"],
        ),
        (["model.backbone.depth=17"], ["17", "11, 13, 16, 19"]),
        (["model.backbone.attention_positions=pools"], ["pools", "conv, relu, pool"]),
        (["model.backbone.frozen_stages=6"], ["frozen_stages=6", "0 to 5"]),
        (["model.backbone.colour=1"], ["colour"]),
    ],
    ids=lambda value: value[0],
)
def test_option_that_does_not_fit(refuse, options, named):
    message = refuse("--cfg-options", *options)
    for text in named:
        assert text in message


def test_a_shipped_config_without_its_data(run_tool, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = TOOLS.parent / "configs/detection/faster-rcnn_msa-vgg16_fpn_8xb2-1x_coco.py"
    with pytest.raises(SystemExit) as exit_:
        run_tool("train", config)
    message = str(exit_.value)
    assert message.startswith("error: data/coco/annotations/instances_train2017.json does not")
    assert "--data ROOT" in message
    assert list(tmp_path.iterdir()) == []


def test_weights_of_a_foreign_backbone_are_looked_for(refuse, tmp_path, data):
    path = tmp_path / "foreign.py"
    path.write_text(
        f"_base_ = {str(tmp_path / 'tiny.py')!r}\n"
        "model = dict(backbone=dict(_delete_=True, type='ResNet', depth=18),\n"
        "             neck=dict(in_channels=[64, 128, 256, 512]))\n"
    )
    message = refuse("--data", data, "--weights", tmp_path / "none.pth", config=path)
    assert "none.pth does not exist" in message


def test_load_from_that_matches_nothing(refuse, tmp_path, data):
    torch.save({"layer1.weight": torch.zeros(1)}, tmp_path / "other.pth")
    message = refuse("--data", data, "--cfg-options", f"load_from={tmp_path / 'other.pth'}")
    assert "other.pth matches no key of the model" in message and "'layer1.weight'" in message
    message = refuse("--data", data, "--cfg-options", f"load_from={tmp_path / 'none.pth'}")
    assert "none.pth does not exist" in message


def test_a_checkpoint_to_test_has_to_fit(run_tool, tiny_config, tmp_path, data):
    cfg = Config.fromfile(tiny_config)
    cfg.model.roi_head.bbox_head.num_classes = 1
    init_default_scope("mmdet")
    model = MODELS.build(cfg.model)
    good = {"state_dict": model.state_dict(), "meta": {"dataset_meta": {"classes": ["cell"]}}}
    part = dict(list(good["state_dict"].items())[:5])
    wrong_shape = dict(good["state_dict"], **{"backbone.features.0.weight": torch.zeros(1)})
    for change, message in [
        ({"state_dict": {"a": torch.zeros(1)}}, "matches no key of the model: .*'a'"),
        ({"state_dict": part}, r"lacks \S+: it belongs to another config"),
        ({"state_dict": wrong_shape}, r"backbone.features.0.weight has shape \(1,\) in the file"),
        ({"meta": {"dataset_meta": {"classes": ["dog"]}}}, "trained on the classes dog; .* cell"),
    ]:
        torch.save({**good, **change}, tmp_path / "model.pth")
        with pytest.raises(SystemExit, match=f"error: checkpoint .*model.pth.*{message}"):
            run_tool(
                *("test", tiny_config, tmp_path / "model.pth", "--data", data),
                *("--work-dir", tmp_path / "work"),
            )
    with pytest.raises(SystemExit, match=r"none\.pth does not exist"):
        run_tool("test", tiny_config, tmp_path / "none.pth", "--data", data)
    assert not (tmp_path / "work").exists()


def test_config_file_is_missing(run_tool):
    with pytest.raises(SystemExit, match=r"error: .*nowhere\.py"):
        run_tool("train", "nowhere.py")
