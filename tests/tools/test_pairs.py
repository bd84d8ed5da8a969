"""Predicting on pairs, and looking at who was looked at: both cameras in the picture."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")
pytest.importorskip("sklearn")

from mmengine.config import Config
from mmengine.registry import MODELS, DefaultScope

from msa_backbone.config.load import load_config
from msa_backbone.config_nodes import find_nodes
from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.files.images import read_image
from msa_backbone.inference.explain.explainer import Explainer
from msa_backbone.inference.predictor import Predictor
from msa_backbone.report.pictures import attention_maps

CONFIGS = Path(__file__).parents[2] / "configs/multimodal"
NUMBERS = tuple("0123456789")
TINY = {
    "coco": (
        "faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py",
        "neck=dict(in_channels=[16, 32, 64, 64])",
        NUMBERS,
    ),
    "segmentation": (
        "unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py",
        "decode_head=dict(in_channels=(8, 16, 32, 64, 64))",
        ("background", *NUMBERS),
    ),
}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> Path:
    return make_demo_pairs(tmp_path_factory.mktemp("data") / "pairs", 4, 3, image_size=64)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> dict[str, tuple[Path, Path]]:
    """A config and random weights for it, by the form of the data; fusions do not start at zero."""
    folder, made = tmp_path_factory.mktemp("models"), {}
    for form, (base, change, classes) in TINY.items():
        config, checkpoint = folder / f"{form}.py", folder / f"{form}.pth"
        config.write_text(
            f"_base_ = {str(CONFIGS / base)!r}\n"
            f"model = dict(backbone=dict(base_channels=8, zero_init=False), {change})\n"
            "train_dataloader = dict(batch_size=2, num_workers=0, persistent_workers=False)\n"
            "val_dataloader = dict(num_workers=0, persistent_workers=False)\n"
            "test_dataloader = dict(num_workers=0, persistent_workers=False)\n"
        )
        save_random_weights(load_config(str(config), str(folder), {}), classes, checkpoint)
        made[form] = config, checkpoint
    return made


def save_random_weights(cfg: Config, classes: tuple[str, ...], checkpoint: Path) -> None:
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        torch.manual_seed(0)
        model = MODELS.build(Config(cfg._cfg_dict.to_dict()).model)
    meta = {"dataset_meta": {"classes": classes}}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, checkpoint)


def predictions(out: Path) -> dict:
    return json.loads((out / "predictions.json").read_text())


@pytest.mark.parametrize("form", ["coco", "segmentation"])
def test_a_folder_of_pairs_is_predicted(form, models, pairs, run_tool, tmp_path, capsys):
    root = pairs / form
    given = "predict", *models[form], root / "visible/val", "--out"
    run_tool(*given, tmp_path, "--score-thr", 0.99)
    assert "3 of 3 predicted" in capsys.readouterr().out
    names = [image["file_name"] for image in predictions(tmp_path)["images"]]
    assert names == sorted(path.name for path in (root / "visible/val").iterdir())
    for name in names:
        drawn = read_image(tmp_path / "pictures" / name)
        assert drawn.shape == (64, 64 + 6 + 64, 3)  # visible | infrared
        grey = read_image(root / f"infrared/val/{Path(name).stem}.png")
        if form == "coco":  # no box is sure enough to be drawn over it
            assert (np.abs(drawn[:, 70:].astype(int) - grey).max(axis=2) < 20).mean() > 0.95
    if form == "coco":  # boxes that are less sure are drawn into both cameras' pictures
        run_tool(*given, tmp_path / "boxes", "--score-thr", 0.05)
        plain, boxes = (
            read_image(out / "pictures" / names[0]) for out in (tmp_path, tmp_path / "boxes")
        )
        changed = np.abs(plain.astype(int) - boxes).max(axis=2) > 40
        assert changed[:, :64].mean() > 0.02 and changed[:, 70:].mean() > 0.02
    if form == "segmentation":
        assert len(list((tmp_path / "masks").iterdir())) == 3


def test_what_is_predicted_depends_on_both_cameras(models, pairs, tmp_path):
    """The predictions are those of the data set's own pipeline, file by file."""
    config, checkpoint = models["coco"]
    cfg = load_config(str(config), str(tmp_path), {})
    predictor = Predictor(cfg, str(checkpoint))
    path = next((pairs / "coco/visible/val").iterdir())
    picture = predictor.read(path)
    assert picture.shape == (64, 64, 4)
    (sample,) = predictor([picture], ["a"])
    dataset = cfg.test_dataloader.dataset
    from mmcv.transforms import Compose

    with DefaultScope.overwrite_default_scope("mmdet"):
        steps = [step for step in dataset.pipeline if step["type"] != "LoadAnnotations"]
        item = Compose(steps)({"img_path": str(path), "img_id": 0})
    batch = {key: [item[key]] for key in item}
    with torch.no_grad():
        (expected,) = predictor.model.test_step(batch)
    assert torch.equal(sample.pred_instances.bboxes, expected.pred_instances.bboxes)
    assert torch.equal(sample.pred_instances.scores, expected.pred_instances.scores)
    without = picture.copy()
    without[..., 3] = 0
    (other,) = predictor([without], ["a"])
    assert not torch.equal(sample.pred_instances.scores, other.pred_instances.scores)


def test_the_folders_may_lie_anywhere(models, pairs, run_tool, tmp_path, capsys):
    root = pairs / "coco"
    expected, out, third = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    run_tool("predict", *models["coco"], root / "visible/val", "--out", expected)
    for camera, folder in (("visible", "day/left"), ("infrared", "night/right")):
        shutil.copytree(root / camera / "val", tmp_path / folder)
    run_tool(
        "predict", *models["coco"], tmp_path / "day/left", "--others", tmp_path / "night/right",
        "--out", out,
    )  # fmt: skip
    assert predictions(out)["annotations"] == predictions(expected)["annotations"]
    # Some files of a folder.
    files = sorted((tmp_path / "day/left").iterdir())
    run_tool(
        "predict", *models["coco"], *files, "--others", tmp_path / "night/right",
        "--out", tmp_path / "d",
    )  # fmt: skip
    assert predictions(tmp_path / "d")["annotations"] == predictions(expected)["annotations"]
    # A folder that holds those of both cameras.
    (tmp_path / "scene").mkdir()
    (tmp_path / "day/left").rename(tmp_path / "scene/rgb")
    (tmp_path / "night/right").rename(tmp_path / "scene/thermal")
    run_tool("predict", *models["coco"], tmp_path / "scene", "--out", third)
    assert predictions(third) == predictions(expected)
    # Folders of scenes, each of which holds both.
    shutil.copytree(tmp_path / "scene", tmp_path / "sets/day")
    shutil.copytree(tmp_path / "scene", tmp_path / "sets/night")
    capsys.readouterr()
    run_tool("predict", *models["coco"], tmp_path / "sets", "--out", tmp_path / "e")
    assert "6 of 6 predicted" in capsys.readouterr().out


def test_a_scene_without_a_partner_stops_nothing(models, pairs, run_tool, tmp_path, capsys):
    root = shutil.copytree(pairs / "coco", tmp_path / "pairs")
    lost = sorted((root / "infrared/val").iterdir())[1]
    lost.unlink()
    with pytest.raises(SystemExit) as ended:
        run_tool("predict", *models["coco"], root / "visible/val", "--out", tmp_path / "out")
    assert f"{lost.stem}.jpg: no infrared file {lost.with_suffix('')}.*; add it" in ended.value.code
    assert "2 of 3 predicted" in capsys.readouterr().out


def test_one_camera_predicts_alone(models, pairs, run_tool, tmp_path, capsys):
    shutil.copytree(pairs / "coco/visible/val", tmp_path / "visible")
    out, black = tmp_path / "out", tmp_path / "black"
    args = *models["coco"], tmp_path / "visible", "--sensors", "visible", "--score-thr", 0
    run_tool("predict", *args, "--out", out)
    text = capsys.readouterr().out
    assert "Sensors: visible on, infrared absent" in text and "3 of 3 predicted" in text
    run_tool(
        "predict", *models["coco"], pairs / "coco/visible/val", "--black", "infrared",
        "--score-thr", 0, "--out", black,
    )  # fmt: skip
    assert predictions(out)["annotations"] != predictions(black)["annotations"]  # absent, not black


def test_a_black_camera_is_black_for_people_too(models, pairs, tmp_path):
    config, checkpoint = models["coco"]
    option = {"model.data_preprocessor.black": ["infrared"]}
    cfg = load_config(str(config), str(tmp_path), {})
    cfg.merge_from_dict(option)
    predictor = Predictor(cfg, str(checkpoint))
    path = next((pairs / "coco/visible/val").iterdir())
    views = predictor.views(predictor.read(path))
    assert np.array_equal(views["visible"], read_image(path)) and not views["infrared"].any()


def stop(run_tool, *args: object) -> str:
    with pytest.raises(SystemExit) as ended:
        run_tool(*args)
    return ended.value.code


def test_what_does_not_fit_is_refused(models, pairs, run_tool, tmp_path):
    root, model = pairs / "coco", models["coco"]
    out = "--out", tmp_path
    lonely = shutil.copytree(root / "visible/val", tmp_path / "lonely/visible")
    assert "no folder 'infrared' beside" in stop(run_tool, "predict", *model, lonely, *out)
    two = "--others", root / "infrared/val", root / "infrared/val"
    message = stop(run_tool, "predict", *model, root / "visible/val", *two, *out)
    assert "one folder for each of: infrared" in message
    nowhere = "--others", tmp_path / "nowhere"
    message = stop(run_tool, "predict", *model, root / "visible/val", *nowhere, *out)
    assert "nowhere: no such folder" in message
    message = stop(run_tool, "predict", *model, "0", *out)
    assert re.search("shows one camera, and the model takes visible, infrared", message)


@pytest.mark.parametrize("form", ["coco", "segmentation"])
def test_who_was_looked_at(form, models, pairs, run_tool, tmp_path, capsys):
    image = next((pairs / form / "visible/val").iterdir())
    run_tool("visualize", "responses", *models[form], image, "--out", tmp_path)
    # Of each camera, at five positions: the gate and what it adds.
    assert "20 maps in" in capsys.readouterr().out
    picture = read_image(tmp_path / f"{image.name}.responses.png")
    assert picture.shape[1] > 1500 and picture.std() > 10


def test_maps_of_the_gates_are_those_of_the_network(models, pairs, tmp_path):
    config, checkpoint = models["coco"]
    predictor = Predictor(load_config(str(config), str(tmp_path), {}), str(checkpoint))
    path = next((pairs / "coco/visible/val").iterdir())
    explainer = Explainer(predictor, predictor.read(path))
    assert list(explainer.views) == ["visible", "infrared"]
    assert np.array_equal(explainer.picture, read_image(path))
    rows = explainer.response_heatmaps()
    first = [heatmap.title for heatmap in rows[0]]
    assert first == [
        "position 4, visible: spatial weights",
        "position 4, infrared: spatial weights",
        "position 4, visible: what it adds",
        "position 4, infrared: what it adds",
    ]
    assert [heatmap.over for heatmap in rows[0]] == ["visible", "infrared"] * 2
    kept = {}
    fusion = predictor.model.backbone.attentions["4"]
    fusion.register_forward_pre_hook(
        lambda module, maps, options: kept.update(maps=maps, **options), with_kwargs=True
    )
    with torch.no_grad():
        predictor.model.backbone(explainer.x)
        gates = fusion.modality_gates(*kept["maps"], present=kept["present"])
    for heatmap, (_, spatial) in zip(rows[0], gates, strict=False):
        expected = explainer.over_picture(spatial[0, 0])
        assert np.abs(heatmap.values - expected).max() < 1e-6
    assert heatmap.values.shape == (64, 64)


@pytest.mark.parametrize(
    ("in_channels", "only", "streams"),
    [
        ((3, 1, 1), None, ["visible", "infrared", "near"]),
        ((4, 1), None, ["visible + infrared", "near"]),
        ((3, 2), None, ["visible", "infrared + near"]),
        ((5,), None, ["visible + infrared + near"]),
        ((3, 1), ["visible", "near"], ["visible", "near"]),
        ((1,), ["infrared"], ["infrared"]),
    ],
)
def test_streams_are_named_by_their_cameras(in_channels, only, streams, models, pairs, tmp_path):
    """Neighbours may share a stream, and not all that is loaded reaches the network."""
    cfg = load_config(str(models["coco"][0]), str(tmp_path), {})
    near = {"name": "near", "channels": 1, "folder": "infrared", "mean": 38.0, "std": 45.0}
    for node in find_nodes(cfg._cfg_dict, "LoadModalities", "MultiModalPreprocessor"):
        node["modalities"] = [*node["modalities"], near]
    cfg.model.data_preprocessor.update(only=only, dropout=None)
    cfg.model.backbone.in_channels = in_channels
    save_random_weights(cfg, NUMBERS, tmp_path / "random.pth")
    predictor = Predictor(cfg, str(tmp_path / "random.pth"))
    path = next((pairs / "coco/visible/val").iterdir())
    explainer = Explainer(predictor, predictor.read(path))
    gates, first = explainer.response_heatmaps()[0][: len(streams)], explainer.streams()
    assert [" + ".join(names) for names in first] == streams
    assert [g.title for g in gates] == [f"position 4, {s}: spatial weights" for s in streams]
    assert [g.over for g in gates] == [names[0] for names in first]
    in_report = [picture.title for picture in attention_maps(explainer)]
    assert len(in_report) == 5 * len(streams)
    for title, stream in zip(in_report, streams, strict=False):
        assert title.startswith(f"position 4, {stream}, gate 0.")


@pytest.mark.slow
def test_activation_maps_of_pairs(models, pairs, run_tool, tmp_path, capsys):
    pytest.importorskip("pytorch_grad_cam")
    image = next((pairs / "coco/visible/val").iterdir())
    args = "--score-thr", 0, "--most", 2, "--out", tmp_path
    run_tool("visualize", "cam", *models["coco"], image, *args)
    assert "2 maps in" in capsys.readouterr().out


def test_the_first_batch_of_a_dry_run_shows_both(models, pairs, run_tool, tmp_path, capsys):
    work = tmp_path / "work"
    run_tool("train", models["coco"][0], "--data", pairs / "coco", "--dry-run", "--work-dir", work)
    text = capsys.readouterr().out
    assert (
        "  train: 4 of 4 visible pictures with infrared" in text and "nothing was trained" in text
    )
    # Two scenes of 192 x 192, each with both cameras.
    height, width, _ = read_image(work / "dry_run.png").shape
    assert (height, width) == (192, 2 * (192 + 6 + 192) + 6)


@pytest.mark.parametrize("option", [("--tta",), ("--slide", 48)], ids=str)
def test_pairs_by_windows_and_mirror_images(option, models, pairs, run_tool, tmp_path, capsys):
    data = "--data", pairs / "segmentation", "--work-dir", tmp_path / "test"
    run_tool("test", *models["segmentation"], *data, *option, "--sensors", "infrared")
    printed = capsys.readouterr().out
    assert "Sensors: visible absent, infrared on" in printed and "mIoU" in printed
    assert read_image(tmp_path / "test/predictions.png").std() > 5
