"""Small models of every kind that is exported."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import nn

from msa_backbone.config.classes import set_num_classes
from msa_backbone.config.load import load_config
from msa_backbone.config.options import drop_pretrained, unsync_norms
from msa_backbone.config_nodes import walk
from msa_backbone.inference.predictor import Predictor

CONFIGS = Path(__file__).parents[1] / "configs"
CLASSES = tuple("abcde")
BACKBONE = {
    "model.backbone.base_channels": 8,
    "model.backbone.norm_cfg": {"type": "BN"},
    "model.backbone.frozen_stages": 0,
    "model.backbone.init_cfg": None,
    "model.backbone.zero_init": False,
    "model.backbone.attention.reduction_ratio": 4,
}
PYRAMID = {
    "model.neck.out_channels": 32,
    "model.neck.in_channels": [16, 32, 64, 64],
    "model.rpn_head.in_channels": 32,
    "model.rpn_head.feat_channels": 32,
    "model.roi_head.bbox_roi_extractor.out_channels": 32,
    "model.roi_head.bbox_head.in_channels": 32,
    "model.roi_head.bbox_head.fc_out_channels": 64,
}
SINGLE_LEVEL = {
    "model.rpn_head.in_channels": 64,
    "model.rpn_head.feat_channels": 32,
    "model.roi_head.bbox_roi_extractor.out_channels": 64,
    "model.roi_head.bbox_head.in_channels": 64,
    "model.roi_head.bbox_head.fc_out_channels": 64,
    "model.roi_head.bbox_head.init_cfg": None,
}
MASKS = {
    "model.roi_head.mask_roi_extractor.out_channels": 32,
    "model.roi_head.mask_head.in_channels": 32,
    "model.roi_head.mask_head.conv_out_channels": 32,
}
RETINA = {
    "model.neck.out_channels": 32,
    "model.neck.in_channels": [32, 64, 64],
    "model.bbox_head.in_channels": 32,
    "model.bbox_head.feat_channels": 32,
    "model.bbox_head.stacked_convs": 2,
    "test_dataloader.dataset.pipeline.1.scale": (320, 256),  # its last map has a stride of 128
}
UNET = {
    "model.decode_head.in_channels": [8, 16, 32, 64, 64],
    "model.decode_head.decoder_channels": [8, 16, 16, 32, 32],
}
CAMERAS = {
    "model.backbone.base_channels": 8,
    "model.backbone.zero_init": False,
    "model.backbone.fusion.reduction_ratio": 4,
}
DEPTH = {"name": "depth", "channels": 1, "mean": 3000.0, "std": 1500.0, "unknown": True}
FCN = {"model.decode_head.in_channels": 64, "model.decode_head.channels": 16}
SMALL_PICTURES = {"test_dataloader.dataset.pipeline.1.scale": (160, 128)}
KINDS = {
    "faster-rcnn": ("detection/faster-rcnn_msa-vgg16_fpn_8xb2-1x_coco.py", PYRAMID),
    "single-level": ("detection/faster-rcnn_msa-vgg16_c5_8xb2-1x_coco.py", SINGLE_LEVEL),
    "mask-rcnn": ("detection/mask-rcnn_msa-vgg16_fpn_8xb2-1x_coco.py", PYRAMID | MASKS),
    "retinanet": ("detection/retinanet_msa-vgg16_fpn_8xb2-1x_coco.py", RETINA),
    "unet": ("segmentation/unet_msa-vgg16_4xb4-40k_camvid-360x360.py", UNET),
    "fcn": ("segmentation/fcn_msa-vgg16_4xb4-40k_voc12aug-512x512.py", FCN),
    "cameras": (
        "multimodal/faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py",
        CAMERAS | PYRAMID,
    ),
    "cameras-unet": (
        "multimodal/unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py",
        CAMERAS | UNET,
    ),
    "depth-unet": (
        "multimodal/unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py",
        CAMERAS | UNET,
    ),
    "depth-alone-unet": (
        "multimodal/unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py",
        CAMERAS | UNET | {"model.backbone.in_channels": (1,)},
    ),
    "classifier": (
        "classification/msa-vgg16-bn_8xb32-100e_in1k-224x224.py",
        {
            "model.head.in_channels": 64,
            "test_dataloader.dataset.pipeline.1.scale": 80,
            "test_dataloader.dataset.pipeline.2.crop_size": 64,
        },
    ),
}


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture of soft blobs, RGB."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def make_lively(model: nn.Module, pictures: torch.Tensor) -> None:
    """Random weights with outputs that differ: as built, all scores would be nearly the same."""
    torch.manual_seed(0)
    for name, module in model.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.normal_(module.bias, std=0.1) if module.bias is not None else None
            if name.endswith(("rpn_reg", "retina_reg", "fc_reg")):
                module.weight.data *= 0.2
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0  # its statistics become those of the pictures
    model.train()
    with torch.no_grad():
        features = model.extract_feat(pictures)
        head = getattr(model, "decode_head", None)
        if head is not None:
            head(features)
    model.eval()


@dataclass(frozen=True)
class Trained:
    """A model of a kind, as a training leaves it: its config, as a file, and its checkpoint."""

    config: Path
    checkpoint: Path

    def cfg(self) -> Config:
        return load_config(str(self.config), None, {})

    def predictor(self) -> Predictor:
        return Predictor(self.cfg(), str(self.checkpoint))


def small_config(kind: str) -> Config:
    """The config of a kind, with few channels and small pictures."""
    config, options = KINDS[kind]
    cfg = Config.fromfile(CONFIGS / config)
    common = {} if kind.startswith(("cameras", "depth")) else BACKBONE
    small = (
        {}
        if kind in ("classifier", "cameras-unet", "depth-unet", "depth-alone-unet")
        else SMALL_PICTURES
    )
    if kind.startswith("depth"):
        see_depth(cfg, alone="alone" in kind)
    for key, value in {**common, **small, **options}.items():
        cfg.merge_from_dict({key: value})
    set_num_classes(cfg.model, len(CLASSES), keep_weights=False)
    return cfg


def see_depth(cfg: Config, alone: bool = False) -> None:
    """Let a config of two cameras take depth for the second one, or as the only one, in place."""

    def put(node: dict) -> None:
        if isinstance(node.get("modalities"), list):
            node["modalities"] = [DEPTH] if alone else [node["modalities"][0], DEPTH]

    for part in (cfg.model, cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        walk(part, put)


def build(cfg: Config) -> nn.Module:
    """Its model, with random weights; the config is changed in place."""
    drop_pretrained(cfg)
    unsync_norms(cfg)
    init_default_scope(cfg.default_scope)
    return MODELS.build(cfg.model)


def make_trained(kind: str, folder: Path) -> Trained:
    """Write the config and the checkpoint of a kind into a folder."""
    cfg = small_config(kind)
    cfg.dump(folder / f"{kind}.py")
    model = build(cfg)
    pictures = np.stack([noise(128, 160, seed) for seed in range(4)]).transpose(0, 3, 1, 2)
    normalised = (torch.from_numpy(pictures).float() - 115) / 57
    if kind.startswith(("cameras", "depth")):
        normalised = torch.cat([normalised, normalised[:, :1].flip(3)], dim=1)
        normalised = normalised[:, 3:] if "alone" in kind else normalised
    make_lively(model, normalised)
    meta = {"dataset_meta": {"classes": CLASSES}}
    torch.save({"state_dict": model.state_dict(), "meta": meta}, folder / "last.pth")
    return Trained(folder / f"{kind}.py", folder / "last.pth")
