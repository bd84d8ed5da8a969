"""Class activation maps: trained weights find the object, random ones do not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config

pytest.importorskip("pytorch_grad_cam")
pytest.importorskip("mmpretrain")
pytest.importorskip("mmdet")

from msa_backbone.config.classes import set_num_classes
from msa_backbone.config.load import load_config
from msa_backbone.inference.explain.activation_maps import stage_layers
from msa_backbone.inference.explain.explainer import Explainer
from msa_backbone.inference.explain.methods import METHODS
from msa_backbone.inference.explain.subjects import Subject
from msa_backbone.inference.predictor import Predictor

CONFIGS = Path(__file__).parents[3] / "configs"
SIDE, OBJECT = 64, 24
CLASSES = ("rows", "columns")


def scene(label: int, top: int, left: int, seed: int) -> np.ndarray:
    """Noise, and in it a square of stripes: along the rows (0) or the columns (1)."""
    random = np.random.default_rng(seed)
    picture = random.integers(60, 190, (SIDE, SIDE, 3))
    stripes = np.where(np.arange(OBJECT) // 3 % 2, 230, 20)
    square = np.broadcast_to(stripes[:, None] if label == 0 else stripes, (OBJECT, OBJECT))
    picture[top : top + OBJECT, left : left + OBJECT] = square[..., None]
    return picture.astype(np.uint8)


def predictor_of(folder: Path, base: str, changes: str, train=None) -> Predictor:
    """A model of two classes on a config, trained by `train` or from random weights."""
    path = folder / "config.py"
    path.write_text(f"_base_ = {str(CONFIGS / base)!r}\n{changes}")
    cfg = load_config(str(path), str(folder), {})
    from mmengine.registry import MODELS, init_default_scope

    init_default_scope(cfg.default_scope)
    built = Config(cfg._cfg_dict.to_dict())
    set_num_classes(built.model, 2, keep_weights=False)
    torch.manual_seed(0)
    model = MODELS.build(built.model)
    if train is not None:
        train(model)
    checkpoint = folder / "model.pth"
    meta = {"dataset_meta": {"classes": CLASSES}}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, checkpoint)
    return Predictor(cfg, str(checkpoint))


CLASSIFIER = (
    "classification/msa-vgg16-caffe_1xb16-150i_crops-48x48.py",
    "norm = dict(type='BN')\n"
    "model = dict(backbone=dict(depth=11, base_channels=8, norm_cfg=norm, frozen_stages=0,\n"
    "    num_stages=4, out_indices=(3,), attention_positions=(5, 10, 15), init_cfg=None),\n"
    "    head=dict(in_channels=64))\n"
    f"size = dict(type='Resize', scale=({SIDE}, {SIDE}))\n"
    "steps = [dict(type='LoadImageFromFile'), size, dict(type='PackInputs')]\n"
    "test_dataloader = dict(dataset=dict(pipeline=steps))\n",
)


def train(model: torch.nn.Module) -> None:
    """250 steps of 16 scenes."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    random = np.random.default_rng(0)
    model.train()
    for step in range(250):
        labels = random.integers(0, 2, 16)
        places = random.integers(0, SIDE - OBJECT, (16, 2))
        scenes = [
            scene(label, *place, seed=16 * step + i)
            for i, (label, place) in enumerate(zip(labels, places, strict=True))
        ]
        x = torch.from_numpy(np.stack(scenes)).permute(0, 3, 1, 2).flip(1).float()
        mean = torch.tensor(model.data_preprocessor.mean.flatten().tolist())[:, None, None]
        logits = model(x - mean)
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory) -> dict[str, Predictor]:
    trained, untrained = tmp_path_factory.mktemp("trained"), tmp_path_factory.mktemp("random")
    return {
        "trained": predictor_of(trained, *CLASSIFIER, train=train),
        "random": predictor_of(untrained, *CLASSIFIER),
    }


def test_a_map_lies_where_the_crop_was(tmp_path):
    """The input itself, laid over the picture, shows the square where it is; outside is nothing."""
    base, changes = CLASSIFIER
    resize = (
        "dict(type='ResizeEdge', scale=80, edge='short'), dict(type='CenterCrop', crop_size=64)"
    )
    changes = changes.replace("size, dict", f"{resize}, dict")
    picture = np.zeros((160, 320, 3), np.uint8)
    picture[60:90, 120:140] = 255
    explainer = Explainer(predictor_of(tmp_path, base, changes), picture)
    values = explainer.over_picture(explainer.x[0].mean(0))
    assert values.shape == (160, 320)
    values -= explainer.over_picture(torch.full((8, 8), float(explainer.x.mean(1).min())))
    rows, columns = np.nonzero(values > values.max() / 2)
    found = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    assert np.abs(np.subtract(found, (60, 90, 120, 140))).max() <= 2
    ones = explainer.over_picture(torch.ones(8, 8))  # the middle 128 x 128
    assert ones[16:144, 96:224].all() and ones.sum() == 128 * 128


def test_a_map_lies_where_the_picture_was_before_its_padding(tmp_path):
    base, changes = CLASSIFIER
    resize = "dict(type='Resize', scale=(64, 64), keep_ratio=True), dict(type='Pad', size=(64, 64))"
    changes = changes.replace("size, dict", f"{resize}, dict")
    picture = np.zeros((80, 160, 3), np.uint8)
    picture[30:45, 60:70] = 255
    explainer = Explainer(predictor_of(tmp_path, base, changes), picture)
    assert explainer.x.shape[-2:] == (64, 64)  # the picture fills the upper half
    values = explainer.over_picture(explainer.x[0].mean(0) - explainer.x.mean(1).min())
    rows, columns = np.nonzero(values > values.max() / 2)
    found = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    assert values.shape == (80, 160)
    assert np.abs(np.subtract(found, (30, 45, 60, 70))).max() <= 2


PLACES = [(0, 0), (0, 40), (40, 0), (40, 40), (20, 4), (4, 20), (36, 20), (20, 36)]


def localised(predictor: Predictor, method: str) -> float:
    """In how many of the scenes the map's highest place lies on the object."""
    hits = 0
    for number, (top, left) in enumerate(PLACES):
        explainer = Explainer(predictor, scene(number % 2, top, left, seed=900 + number))
        names = {subject.title.split(",")[0]: subject for subject in explainer.subjects()}
        values = explainer.activation_map(names[CLASSES[number % 2]], method)
        row, column = np.unravel_index(values.argmax(), values.shape)
        hits += top <= row < top + OBJECT and left <= column < left + OBJECT
    return hits / len(PLACES)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["grad-cam", "hires-cam"])
def test_trained_weights_find_the_object_and_random_ones_do_not(classifiers, method):
    """The sanity check of https://arxiv.org/abs/1810.03292."""
    assert localised(classifiers["trained"], method) >= 0.85
    assert localised(classifiers["random"], method) <= 0.6


@pytest.mark.slow
def test_the_map_follows_the_object(classifiers):
    centres = []
    for top, left in ((0, 0), (40, 40)):
        explainer = Explainer(classifiers["trained"], scene(0, top, left, seed=5))
        values = explainer.activation_map(explainer.subjects(most=1)[0], "hires-cam")
        assert values.shape == (SIDE, SIDE) and 0 <= values.min() <= values.max() <= 1
        weights = values / values.sum()
        grid = np.arange(SIDE)
        centres.append((weights.sum(1) @ grid, weights.sum(0) @ grid))
    moved = np.subtract(centres[1], centres[0])
    assert (moved > 12).all() and (moved < 50).all()  # of 40 pixels; the noise has its share


@pytest.mark.slow
def test_methods_differ_and_leave_nothing_behind(classifiers):
    predictor = classifiers["trained"]
    explainer = Explainer(predictor, scene(1, 10, 30, seed=7))
    (best, _) = explainer.subjects()
    assert best.title.startswith("columns, 0.9") or best.title.startswith("columns, 1.0")
    maps = {name: explainer.activation_map(best, name) for name in METHODS}
    kinds = {name: values.round(4).tobytes() for name, values in maps.items()}
    assert len(set(kinds.values())) >= len(METHODS) - 2
    assert not any(m._forward_hooks for m in predictor.model.modules())
    assert all(p.grad is None or not p.grad.any() for p in predictor.model.parameters())
    with pytest.raises(ValueError, match="method 'cam' is unknown: choose one of grad-cam"):
        explainer.activation_map(best, "cam")
    with pytest.raises(ValueError, match="stage 4 does not exist: choose from 0 to 3"):
        explainer.activation_map(best, stages=[4])


DETECTOR = (
    "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py",
    "model = dict(backbone=dict(base_channels=8, init_cfg=None),\n"
    "    neck=dict(in_channels=[16, 32, 64, 64]))\n",
)


def test_maps_of_boxes_lie_over_the_picture(tmp_path):
    predictor = predictor_of(tmp_path, *DETECTOR)
    picture = np.random.default_rng(0).integers(0, 255, (90, 150, 3), np.uint8)
    explainer = Explainer(predictor, picture)
    subjects = explainer.subjects(score_thr=0.0, most=3)
    assert len(subjects) == 3
    scores = [float(subject.title.split(", ")[1]) for subject in subjects]
    assert scores == sorted(scores, reverse=True)
    (sample,) = predictor([picture], ["a"])
    order = sample.pred_instances.scores.argsort(descending=True)
    expected = sample.pred_instances.bboxes[order[0]].tolist()
    assert subjects[0].box == pytest.approx(expected, abs=0.5)
    for method in (None, "eigen-cam"):
        values = explainer.activation_map(subjects[0], method)
        assert values.shape == (90, 150) and np.isfinite(values).all()
    assert explainer.subjects(score_thr=2.0) == []


def test_what_is_scored_is_where_the_map_is(tmp_path):
    """The score is one place of a stage's output, and so is the map, cut free of the padding."""
    predictor = predictor_of(tmp_path, *DETECTOR)
    picture = np.random.default_rng(0).integers(0, 255, (90, 150, 3), np.uint8)
    explainer = Explainer(predictor, picture)
    backbone = predictor.model.backbone
    (layer,) = stage_layers(backbone, [1])
    kept = {}
    layer.register_forward_hook(lambda module, inputs, y: kept.update(y=y))
    row, column = 5, 9  # stride 4 of the resized picture
    subject = Subject("a place", lambda _: kept["y"][0, :, row, column].sum())
    values = explainer.activation_map(subject, "hires-cam", stages=[1])
    scale = explainer.sample.scale_factor
    expected = (4 * (row + 0.5) / scale[1], 4 * (column + 0.5) / scale[0])
    found = np.unravel_index(values.argmax(), values.shape)
    assert np.abs(np.subtract(found, expected)).max() < 3


SEGMENTER = (
    "segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py",
    "head = dict(in_channels=(8, 16, 32, 64, 64))\n"
    "model = dict(backbone=dict(base_channels=8, init_cfg=None), decode_head=head)\n",
)


def test_segmented_classes_are_subjects_by_size(tmp_path):
    pytest.importorskip("mmseg")
    predictor = predictor_of(tmp_path, *SEGMENTER)
    picture = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    explainer = Explainer(predictor, picture)
    subjects = explainer.subjects()
    shares = [int(subject.title.split(", ")[1].split(" %")[0]) for subject in subjects]
    assert shares == sorted(shares, reverse=True) and 99 <= sum(shares) <= 101
    values = explainer.activation_map(subjects[0])
    assert values.shape == (50, 70) and values.max() > 0


def test_both_classes_of_a_one_channel_head_are_subjects(tmp_path):
    """A sigmoid head has one logit for two classes: the areas are those it predicts."""
    pytest.importorskip("mmseg")
    base, changes = SEGMENTER
    binary = "head.update(num_classes=2, out_channels=1, threshold=0.3)\n"
    predictor = predictor_of(tmp_path, base, changes.replace("model =", binary + "model ="))
    picture = np.random.default_rng(0).integers(0, 255, (50, 70, 3), np.uint8)
    explainer = Explainer(predictor, picture)
    with torch.no_grad():
        features = predictor.model.extract_feat(explainer.x)
        head = predictor.model.decode_head
        probabilities = head.predict(features, [explainer.sample.metainfo], {}).sigmoid()
    assert probabilities.shape[1] == 1
    head.threshold = float(probabilities.quantile(0.7))  # 70 % of the first class
    largest, other = explainer.subjects()
    assert largest.title == "rows, 70 % of the pixels"
    assert other.title == "columns, 30 % of the pixels"
    maps = [explainer.activation_map(subject) for subject in (largest, other)]
    assert all(values.shape == (50, 70) and values.max() > 0 for values in maps)
    assert np.abs(maps[0] - maps[1]).max() > 0.5  # what speaks for one speaks against the other
