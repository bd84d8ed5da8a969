"""Every ablation is a config of at most ten lines that builds, alone and on other bases."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("mmdet")
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from msa_backbone.ablation.variants import derive_config
from msa_backbone.config.language.words import stand_in_words

ROOT = Path(__file__).parents[1] / "configs"
ABLATIONS = sorted((ROOT / "ablation").glob("*.py"))
BASES = (
    "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py",
    "segmentation/unet_msa-vgg16-caffe_1xb2-1k_camvid-128x128.py",
    "classification/msa-vgg16-bn-c16_1xb128-20e_tinyimagenet50-48x48.py",
)
TOOLBOXES = {"detection": "mmdet", "segmentation": "mmseg", "classification": "mmpretrain"}
MODULES = {  # by the parts of the file's name before '_'
    "plain": None,
    "full": "MultiScaleAttention",
    "multi-scale": "MultiScaleAttention",
    "grouped": "GroupedMultiScaleAttention",
    "axial": "AxialAttention",
    "linear": "LinearAttention",
    "deformable": "DeformableMultiScaleAttention",
    "selective": "SelectiveMultiScaleAttention",
    "se": "SEModule",
    "eca": "EcaModule",
    "cbam": "CbamModule",
    "coordinate": "CoordAttn",
    "context-block": "ContextBlock",
}

CAMERAS = {  # by name: channels of each stream, and what fuses them
    "visible": ((3,), "SumFusion"),
    "infrared": ((1,), "SumFusion"),
    "early": ((4,), "SumFusion"),
    "sum": ((3, 1), "SumFusion"),
    "concat": ((3, 1), "ConcatFusion"),
    "se": ((3, 1), "SEFusion"),
    "cbam": ((3, 1), "CBAMFusion"),
    "attention": ((3, 1), "MultiModalAttention"),
    "attention_pass-through": ((3, 1), "MultiModalAttention"),
    "attention_from-zero_pass-through": ((3, 1), "MultiModalAttention"),
    "attention_gate-norm_pass-through": ((3, 1), "MultiModalAttention"),
    "attention_ratio-2_gate-norm_pass-through": ((3, 1), "MultiModalAttention"),
    "attention_exchange_pass-through": ((3, 1), "MultiModalAttention"),
}
QUESTIONS = {  # by name: the conditioning, and what the backbone has behind the last two stages
    "question": ("question", None),
    "picture": ("picture", "MultiScaleAttention"),
    "concat": ("concat", "MultiScaleAttention"),
    "film": ("backbone", "FiLM"),
    "gates": ("backbone", "LanguageConditionedAttention"),
    "attention": ("backbone", "LanguageConditionedAttention"),
}
ASKING = (
    "multimodal/vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py",
    "multimodal/vqa_msa-vgg16-bn-c16_1xb128-2k_demo-64x64.py",
)
PAIRS = (
    "multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py",
    "multimodal/faster-rcnn_multimodal-msa-vgg16-caffe_fpn_1xb1-8e_msrs-320x240.py",
)


def test_every_ablation_is_found_and_short():
    assert len(ABLATIONS) == 24
    assert {path.stem.split("_")[0] for path in ABLATIONS} == set(MODULES)
    for path in ABLATIONS:
        assert len(path.read_text().splitlines()) <= 10, path.name


def inner(module) -> str:
    """The class inside the wrappers that give a peer its start and its name."""
    for name in ("module", "attention"):
        module = getattr(module, name, module)
    return type(module).__name__


@pytest.mark.parametrize("path", ABLATIONS, ids=lambda path: path.stem)
def test_ablation_builds_the_module_of_its_name(path):
    pytest.importorskip("timm")
    cfg = Config.fromfile(path)
    init_default_scope(cfg.default_scope)
    backbone = MODELS.build({**cfg.model.backbone, "init_cfg": None})
    expected = MODULES[path.stem.split("_")[0]]
    assert {inner(m) for m in backbone.attentions.values()} == ({expected} if expected else set())


def build(name: str, base: str | None = None):
    path = ROOT / "ablation" / f"{name}.py"
    cfg = Config.fromfile(path)
    if base is not None:
        cfg = Config.fromstring(derive_config(path, ROOT / base), ".py")
    init_default_scope(cfg.default_scope)
    return cfg, MODELS.build({**cfg.model.backbone, "init_cfg": None})


def test_options_are_what_the_names_say():
    modules = {
        path.stem: [*build(path.stem)[1].attentions.values()]
        for path in ABLATIONS
        if path.stem.startswith(("multi", "full"))
    }
    for name, attentions in modules.items():
        for module in attentions:
            gates = (module.channel_attention is not None, module.spatial_attention is not None)
            multi_scale = name.startswith("multi-scale")
            assert gates == (
                not multi_scale or name.endswith("channel"),
                not multi_scale or name.endswith("spatial"),
            )
            ratio = {"full_r8": 8, "full_r32": 32}.get(name, 16)
            assert module.conv1x1.out_channels == module.fusion_conv.out_channels // ratio
            assert module.zero_init == (name != "full_no-zero-init")
            assert module.gate_norm == (name == "full_gate-norm")
    positions = {name: list(build(name)[1].attentions) for name in ("full_relu", "full_conv")}
    assert positions == {"full_relu": ["15", "22", "29"], "full_conv": ["14", "21", "28"]}
    for name in ("full_lr-1", "full_lr-0.1", "full_lr-0.01"):
        rates = build(name)[0].optim_wrapper.paramwise_cfg.custom_keys
        assert rates["backbone.attentions."].lr_mult == float(name.split("-")[1])
        assert rates["backbone.features."].lr_mult == 0.5  # the base's own stays


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("name", ["plain", "multi-scale_channel", "linear", "se", "full_lr-1"])
def test_ablations_fit_other_bases(name, base):
    pytest.importorskip("timm")
    toolbox = TOOLBOXES[base.split("/")[0]]
    pytest.importorskip(toolbox)
    cfg, backbone = build(name, base)
    assert cfg.default_scope == toolbox
    names = {inner(module) for module in backbone.attentions.values()}
    assert names == {MODULES[name.split("_")[0]]} - {None}


def start_of_the_second_stream(module) -> list[float]:
    """What the maps that pass in full are multiplied by before training."""
    passes = module.others["1"].pass_through
    return [] if passes is None else passes.scale.flatten().tolist()


@pytest.mark.parametrize("base", PAIRS)
@pytest.mark.parametrize("name", CAMERAS)
def test_cameras_get_their_channels_and_the_fusion_of_the_name(name, base):
    cfg, backbone = build(f"cameras/{name}", base)
    channels, fusion = CAMERAS[name]
    preprocessor = MODELS.build(cfg.model.data_preprocessor)
    batch = preprocessor({"inputs": [torch.randint(0, 255, (4, 64, 64))]})
    assert batch["inputs"].shape[1] == sum(channels)
    assert backbone.in_channels == channels
    assert {type(m).__name__ for m in backbone.attentions.values()} == {fusion}
    if fusion == "MultiModalAttention":
        passes = [m.others["1"].pass_through is not None for m in backbone.attentions.values()]
        assert passes == [name.endswith("pass-through")] * len(passes)
        starts = {v for m in backbone.attentions.values() for v in start_of_the_second_stream(m)}
        assert starts == ({float("from-zero" not in name)} if passes[0] else set())
        norms = {m.gate_norm for m in backbone.attentions.values()}
        assert norms == {"gate-norm" in name}
    elif fusion in ("SEFusion", "CBAMFusion"):
        assert all((m.projections[0].scale == 1).all() for m in backbone.attentions.values())
    assert len(backbone.streams) == len(channels) - 1
    fused = len(backbone.attentions)
    assert len(backbone.exchanges) == (fused - 1 if "exchange" in name else 0)
    assert (preprocessor.dropout is None) == (name in ("visible", "infrared"))


def test_every_camera_variant_is_tested():
    assert {path.stem for path in (ROOT / "ablation/cameras").glob("*.py")} == set(CAMERAS)


@pytest.mark.parametrize("base", ASKING)
@pytest.mark.parametrize("name", QUESTIONS)
def test_questions_go_where_the_name_says(name, base):
    pytest.importorskip("mmpretrain")
    pytest.importorskip("tokenizers")
    cfg = Config.fromstring(
        derive_config(ROOT / f"ablation/questions/{name}.py", ROOT / base), ".py"
    )
    init_default_scope(cfg.default_scope)
    stand_in_words(cfg)
    model = MODELS.build(cfg.model)
    conditioning, attention = QUESTIONS[name]
    assert model.conditioning == model.conditionings[conditioning]
    modules = list(model.backbone.attentions.values()) if attention else []
    assert [type(module).__name__ for module in modules] == [attention] * len(modules)
    assert len(modules) == (2 if attention else 0) and (model.backbone is None) == (not attention)
    if attention == "LanguageConditionedAttention":
        scaled = [module.words_to_features is not None for module in modules]
        assert scaled == [name == "attention"] * 2
    rates = cfg.optim_wrapper.get("paramwise_cfg", {}).get("custom_keys", {})
    assert bool(rates) == (name in ("attention", "gates"))


def test_every_variant_of_questions_is_tested():
    assert {path.stem for path in (ROOT / "ablation/questions").glob("*.py")} == set(QUESTIONS)
