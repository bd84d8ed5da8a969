"""Every config parses, stands on its own files, and builds a model whose parts fit together."""

import re
from pathlib import Path

import mmengine
import pytest
import torch

pytest.importorskip("mmdet")
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import BaseDataElement

from msa_backbone.config.options import drop_pretrained
from msa_backbone.config_nodes import walk

ROOT = Path(__file__).parents[1] / "configs"
# configs/ablation has a test of its own.
CONFIGS = sorted(p for p in ROOT.rglob("*.py") if not {"_base_", "ablation"} & {*p.parts})
DETECTION = [path for path in CONFIGS if path.parent.name == "detection"]
SEGMENTATION = [path for path in CONFIGS if path.parent.name == "segmentation"]
CLASSIFICATION = [path for path in CONFIGS if path.parent.name == "classification"]
LANGUAGE = [path for path in CONFIGS if path.stem.startswith(("vqa_", "captions_"))]
MULTIMODAL = [p for p in CONFIGS if p.parent.name == "multimodal" and p not in LANGUAGE]


def test_every_config_is_found():
    names = [path.stem for path in CONFIGS]
    assert (len(DETECTION), len(SEGMENTATION), len(CLASSIFICATION)) == (10, 9, 10)
    assert (len(MULTIMODAL), len(LANGUAGE)) == (6, 5)
    assert len(set(names)) == len(names) == 40


def test_model_index_names_every_trainable_config_once():
    modelindex = pytest.importorskip("modelindex")
    index = modelindex.load(str(ROOT.parent / "model-index.yml"))
    assert index.check(silent=True) == []  # files that are missing, collections without an entry
    imported = mmengine.load(ROOT.parent / "model-index.yml")["Import"]
    metafiles = [path.relative_to(ROOT.parent).as_posix() for path in ROOT.rglob("metafile.yml")]
    assert sorted(imported) == sorted(metafiles) and len(metafiles) == 4
    named = [ROOT.parent / model.config for model in index.models]
    assert sorted(named) == CONFIGS and len(named) == 40
    assert [model.name for model in index.models] == [path.stem for path in named]
    for model, path in zip(index.models, named, strict=True):
        schedule = Config.fromfile(path).train_cfg
        assert model.metadata.data.get("Epochs") == schedule.get("max_epochs"), model.name
        assert model.metadata.data.get("Iterations") == schedule.get("max_iters"), model.name
        assert Path(model.filepath).parent == path.parent
    for collection in index.collections:
        assert collection.code is None or (ROOT.parent / collection.code).is_file()


@pytest.mark.parametrize(
    ("folder", "count"),
    [
        ("detection", 10),
        ("segmentation", 9),
        ("classification", 10),
        ("ablation", 24),
        ("ablation/cameras", 13),
        ("ablation/questions", 6),
        ("multimodal", 11),
    ],
)
def test_readme_of_a_folder_has_a_row_for_every_config(folder, count):
    text = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[`(.+)`\]\((.+)\) \|", text, re.MULTILINE)
    assert len(rows) == count
    assert sorted(link for _, link in rows) == sorted(p.name for p in (ROOT / folder).glob("*.py"))
    assert all(link == f"{name}.py" for name, link in rows)


def test_scores_of_the_metafiles_stand_in_the_readmes():
    modelindex = pytest.importorskip("modelindex")
    front = (ROOT.parent / "README.md").read_text(encoding="utf-8").splitlines()
    scores = 0
    for model in modelindex.load(str(ROOT.parent / "model-index.yml")).models:
        lines = (ROOT.parent / model.config).with_name("README.md").read_text("utf-8").splitlines()
        (row,) = [line for line in lines if line.startswith(f"| [`{model.name}`]")]
        metrics = [result.metrics for result in model.results or ()]
        assert bool(metrics) != ("not trained here" in row), model.name
        for value in (value for found in metrics for value in found.values()):
            # The READMEs give detection's AP as a fraction.
            score = re.compile(rf"(?<![\d.])({value:g}|{value / 100:.3f})\b")
            shown = [row, *(line for line in front if f"[`{model.name}`]" in line)]
            assert all(map(score.search, shown)), (model.name, value)
            scores += 1
    assert scores == 18


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_name_tells_the_batch_and_the_schedule(path):
    """GPUs x images on each, then epochs (12 are 1x) or iterations."""
    cfg = Config.fromfile(path)
    (told,) = re.findall(r"_(\d+)xb(\d+)-(\d+)([xeki])_", path.stem)
    gpus, images, length = map(int, told[:3])
    assert cfg.train_dataloader.batch_size == images
    assert cfg.get("auto_scale_lr", {}).get("base_batch_size", images) == gpus * images
    key, unit = {
        "x": ("max_epochs", 12), "e": ("max_epochs", 1), "k": ("max_iters", 1000),
        "i": ("max_iters", 1),
    }[told[3]]  # fmt: skip
    assert cfg.train_cfg[key] == length * unit


def picture_size(pipeline: list[dict]) -> tuple[int, int]:
    """Height and width of what a pipeline ends with."""
    sizes = [step.get("crop_size", step.get("scale")) for step in pipeline]
    size = next(size for size in reversed(sizes) if size is not None)
    return (size, size) if isinstance(size, int) else tuple(size)


@pytest.mark.parametrize("path", CLASSIFICATION, ids=lambda path: path.stem)
def test_classification_config_builds_and_its_parts_fit(path):
    pytest.importorskip("mmpretrain")
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    drop_pretrained(cfg)
    model = MODELS.build(cfg.model)
    assert type(model.backbone).__name__ == "MSAVGG"
    assert bool(model.backbone.attentions) == path.stem.startswith("msa-")
    assert cfg.model.data_preprocessor.num_classes == cfg.model.head.num_classes
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        size = picture_size(cfg[name].dataset.pipeline)
        assert path.stem.endswith("{}x{}".format(*size)), name
    loop, scheduler = cfg.train_cfg, cfg.param_scheduler
    assert loop.get("max_iters", loop.get("max_epochs")) == scheduler[-1].end
    assert scheduler[0].end == scheduler[1].begin == scheduler[1].end - scheduler[1].T_max
    with torch.no_grad():
        logits = model.eval()(torch.zeros(2, 3, *size))
    assert logits.shape == (2, cfg.model.head.num_classes)


@pytest.mark.parametrize("path", SEGMENTATION, ids=lambda path: path.stem)
def test_segmentation_config_builds_and_its_parts_fit(path):
    pytest.importorskip("mmseg")
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    assert cfg.default_scope == "mmseg"
    drop_pretrained(cfg)
    model = MODELS.build(cfg.model)
    head = model.decode_head
    if "unet-s5" not in path.stem:
        assert type(model.backbone).__name__ == "MSAVGG"
        chosen = [model.backbone.out_channels[i] for i in torch.tensor(head.in_index).ravel()]
        assert chosen == torch.tensor(head.in_channels).ravel().tolist()
        key = "backbone.attentions."
        rates = cfg.optim_wrapper.paramwise_cfg.custom_keys
        if "scratch" in path.stem:
            assert rates == {"backbone.": {"lr_mult": 0.25}}
        else:
            assert rates[key].lr_mult == 0.1
        attended = any(name.startswith(key) for name, _ in model.named_parameters())
        assert attended == ("_msa-vgg16" in path.stem)
    stride = 16 if path.stem.startswith("fcn") else 1
    with torch.no_grad():
        logits = model.eval()._forward(torch.zeros(1, 3, 64, 96))
    logits = logits[-1] if isinstance(logits, tuple) else logits
    assert logits.shape[-2:] == (64 // stride, 96 // stride)

    datasets, crops = [], []
    walk(cfg.train_dataloader.dataset, lambda node: datasets.append(node.get("metainfo")))
    walk(cfg.train_dataloader.dataset, lambda node: crops.append(node.get("crop_size")))
    metainfo = next(filter(None, datasets), None)  # mmseg's own VOC dataset knows its classes
    assert head.num_classes == (len(metainfo.classes) if metainfo else 21)
    if metainfo and "palette" in metainfo:
        assert len(metainfo.palette) == len(metainfo.classes)
    assert tuple(cfg.model.data_preprocessor.size) == tuple(next(filter(None, crops)))
    assert path.stem.endswith("{}x{}".format(*cfg.model.data_preprocessor.size))
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator.type == "ClasswiseIoUMetric"


@pytest.mark.parametrize("path", DETECTION, ids=lambda path: path.stem)
def test_config_builds_and_its_parts_fit(path):
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    drop_pretrained(cfg)
    if "VGGBBoxHead" in str(cfg.model):
        cfg.model.roi_head.bbox_head.fc_out_channels = 16  # 120 M parameters say nothing here
    model = MODELS.build(cfg.model)
    backbone, neck = model.backbone, cfg.model.get("neck")
    assert type(backbone).__name__ == "MSAVGG"
    if "roi_head" in cfg.model:
        for name, part in cfg.model.roi_head.items():
            if name.endswith("roi_extractor"):
                assert list(backbone.out_strides) == part.featmap_strides
    dense_head = cfg.model.get("rpn_head") or cfg.model.bbox_head
    assert list(backbone.out_channels) == (neck.in_channels if neck else [dense_head.in_channels])
    # No attention is frozen at the identity, where it would only cost time.
    assert len(backbone.attentions) >= 3
    assert all(p.requires_grad for p in backbone.attentions.parameters())
    # Beside layers that were pretrained it learns slowly, from scratch with the rest.
    key, slower = "backbone.attentions.", cfg.optim_wrapper.paramwise_cfg.get("custom_keys", {})
    assert slower.get(key) == ({"lr_mult": 0.1} if cfg.model.backbone.frozen_stages else None)
    assert any(name.startswith(key) for name, _ in model.named_parameters())
    with torch.no_grad():
        features = model.extract_feat(torch.zeros(1, 3, 64, 96))
    head = model.rpn_head if "rpn_head" in cfg.model else model.bbox_head
    strides = [strides[0] for strides in head.prior_generator.strides]
    sizes = [(-(-64 // stride), -(-96 // stride)) for stride in strides]
    assert [tuple(f.shape[-2:]) for f in features] == sizes
    classes = cfg.train_dataloader.dataset.get("metainfo", {}).get("classes", ())
    if classes:
        assert len(classes) == model.roi_head.bbox_head.num_classes


@pytest.mark.parametrize("path", DETECTION, ids=lambda path: path.stem)
def test_masks_are_loaded_and_scored_where_they_are_predicted(path):
    cfg = Config.fromfile(path)
    masks = "mask_head" in cfg.model.get("roi_head", {})
    assert masks == path.stem.startswith("mask-rcnn")
    assert bool(cfg.model.data_preprocessor.get("pad_mask")) == masks
    for loader in ("train_dataloader", "val_dataloader", "test_dataloader"):
        steps = []
        walk(cfg[loader].dataset, lambda node, steps=steps: steps.extend(node.get("pipeline", ())))
        loads = [step for step in steps if step.type == "LoadAnnotations"]
        assert loads and all(bool(step.get("with_mask")) == masks for step in loads)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        metrics = evaluator if isinstance(evaluator, list) else [evaluator]
        assert masks == any("segm" in metric.get("metric", ()) for metric in metrics)


@pytest.mark.parametrize("path", MULTIMODAL, ids=lambda path: path.stem)
def test_multimodal_config_builds_and_its_parts_fit(path):
    """The pipelines load what the preprocessor and the backbone expect."""
    cfg = Config.fromfile(path)
    pytest.importorskip(cfg.default_scope)
    init_default_scope(cfg.default_scope)
    drop_pretrained(cfg)
    model = MODELS.build(cfg.model).eval()
    assert type(model.backbone).__name__ == "MultiModalMSAVGG"
    modalities = cfg.model.data_preprocessor.modalities
    assert tuple(m.channels for m in modalities) == model.backbone.in_channels == (3, 1)
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        first, *steps = cfg[name].dataset.pipeline
        assert first == {"type": "LoadModalities", "modalities": modalities}
        assert "PhotoMetricDistortion" not in [step.type for step in steps]
        assert "visible" in str(cfg[name].dataset.data_prefix)
    head = model.decode_head if cfg.default_scope == "mmseg" else model.roi_head.bbox_head
    assert head.num_classes == len(cfg.train_dataloader.dataset.metainfo.classes)
    picture = torch.rand(4, 64, 96) * 255
    with torch.no_grad():
        inputs = model.data_preprocessor({"inputs": [picture]})["inputs"]
        maps = model.backbone(inputs)
    strides = [round(64 / m.shape[-2]) for m in maps]
    channels = [m.shape[1] for m in maps]
    if cfg.default_scope == "mmseg":
        size = cfg.model.data_preprocessor.then.size
        assert path.stem.endswith("{}x{}".format(*size)) and size == cfg.crop_size
        assert (strides, channels) == ([1, 2, 4, 8, 16], list(cfg.model.decode_head.in_channels))
    else:
        extractor = cfg.model.roi_head.bbox_roi_extractor
        assert (strides, channels) == (extractor.featmap_strides, cfg.model.neck.in_channels)


@pytest.mark.parametrize("path", LANGUAGE, ids=lambda path: path.stem)
def test_language_config_builds_and_its_parts_fit(path):
    """With words, which a training learns from its data, the model reads pictures of its size."""
    pytest.importorskip("mmpretrain")
    pytest.importorskip("tokenizers")
    from msa_backbone.language import train_vocabulary

    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    drop_pretrained(cfg)
    cfg.model.vocabulary = train_vocabulary(["is it red"] * 5, **cfg.model.vocabulary)
    asks = "answers" in cfg.model
    if asks:
        cfg.model.answers = ["yes", "no"]
    model = MODELS.build(cfg.model).eval()
    for name in ("train_dataloader", "val_dataloader", "test_dataloader"):
        size = picture_size(cfg[name].dataset.pipeline[:-1])
        assert path.stem.endswith("{}x{}".format(*size)), name
        keys = cfg[name].dataset.pipeline[-1].algorithm_keys
        assert (
            {"question", "gt_answer", "gt_answer_weight"} <= {*keys}
            if asks
            else "gt_caption" in keys
        )
    loop, scheduler = cfg.train_cfg, cfg.param_scheduler
    assert loop.max_iters == scheduler[-1].end and scheduler[0].end == scheduler[1].begin
    with torch.no_grad():
        images = torch.rand(2, 3, *size) * 255
        images = model.data_preprocessor({"inputs": images, "data_samples": None})["images"]
        samples = [BaseDataElement() for _ in images]
        for sample in samples:
            sample.question = "is it red"
        model(images, samples, mode="predict")
    texts = [sample.pred_answer if asks else sample.pred_caption for sample in samples]
    assert all(isinstance(text, str) for text in texts)
