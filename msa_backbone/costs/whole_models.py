"""What a config's whole model costs: parameters and FLOPs, without its data and without running it.

FLOPs are counted on the meta device, where nothing is computed. What depends on values there, the
proposals of a detector with two stages, is taken as many as its test keeps at most.
"""

import copy
from collections.abc import Sequence

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from torch import Tensor, nn

from ..config.modalities.check import backbone_channels
from ..config.options import drop_pretrained
from ..language.captions.captioner import MSACaptioner
from .measure import counting_flops


def whole_model(cfg: Config, size: Sequence[int]) -> tuple[int, int | None]:
    """Parameters and FLOPs of a config's model on one picture, of all its cameras.

    Models with words: their backbone's FLOPs, and with questions those of one question; the words
    add little. Models whose parts are called otherwise than in this package's configs: None.

    Args:
        cfg: not changed; a model with words has its vocabulary.
        size: height and width of the picture.
    """
    cfg = copy.deepcopy(cfg)
    init_default_scope(cfg.get("default_scope", "mmengine"))
    drop_pretrained(cfg)
    channels = sum(backbone_channels(cfg.model.backbone)) or 3
    with torch.device("meta"):
        model = MODELS.build(cfg.model).eval()
        x = torch.empty(1, channels, *size)
        with torch.no_grad(), counting_flops() as counter:
            known = _look(model, x)
    flops = counter.get_total_flops() if known else None
    return sum(p.numel() for p in model.parameters()), flops


def _look(model: nn.Module, x: Tensor) -> bool:
    """A forward pass, as far as it depends on shapes alone; False for parts that are not known."""
    if hasattr(model, "text_encoder"):
        sentence, picture = torch.empty(1, model.text_encoder.channels), torch.zeros(1).long()
        model.backbone(x, sentence=sentence, picture=picture)
        return True
    if isinstance(model, MSACaptioner):
        model.backbone(x)
        return True
    if hasattr(model, "encoder"):  # as DETR's family has, between the backbone and its head
        return False
    heads = {name for name, _ in model.named_children() if name.endswith("head")}
    heads.discard("auxiliary_head")  # of a training alone
    if heads == {"rpn_head", "roi_head"}:
        extractor = getattr(model.roi_head, "bbox_roi_extractor", None)
        if not hasattr(extractor, "roi_layers"):  # of several stages, for one
            return False
        if min(model.test_cfg.rpn.max_per_img, model.test_cfg.rcnn.max_per_img) < 0:
            return False  # the second stage looks at any number
        model.rpn_head(model.extract_feat(x))
        _look_again(model)
    elif heads in ({"decode_head"}, {"head"}, {"bbox_head"}):
        getattr(model, heads.pop())(model.extract_feat(x))
    else:
        return False
    return True


def _look_again(model: nn.Module) -> None:
    """The second stage of a detector."""
    for name, kept in (("bbox", model.test_cfg.rpn), ("mask", model.test_cfg.rcnn)):
        extractor = getattr(model.roi_head, f"{name}_roi_extractor", None)
        if extractor is not None:
            side = extractor.roi_layers[0].output_size
            found = torch.empty(kept.max_per_img, extractor.out_channels, *side)
            getattr(model.roi_head, f"{name}_head")(found)
