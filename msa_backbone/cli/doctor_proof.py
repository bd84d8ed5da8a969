"""The doctor's proof: a tiny detector makes a step of training, and detects."""

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope
from mmengine.structures import InstanceData

from ..config.shipped import shipped_folder

CONFIG = "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"
SIDE = 64


def train_and_detect() -> str:
    """What was proved, in words; raises whatever stands in the way."""
    from mmdet.structures import DetDataSample

    cfg = Config.fromfile(shipped_folder("configs") / CONFIG)
    cfg.model.backbone.base_channels = 8
    cfg.model.neck.in_channels = [16, 32, 64, 64]
    cfg.model.test_cfg.rcnn.score_thr = 0.0
    init_default_scope(cfg.default_scope)
    model = MODELS.build(cfg.model)
    torch.manual_seed(0)
    picture = torch.randint(256, (3, SIDE, SIDE), dtype=torch.uint8)
    sizes = {"img_shape": (SIDE, SIDE), "ori_shape": (SIDE, SIDE), "scale_factor": (1.0, 1.0)}
    sample = DetDataSample(metainfo=sizes)
    boxes, labels = torch.tensor([[8.0, 8.0, 40.0, 48.0]]), torch.tensor([1])
    sample.gt_instances = InstanceData(bboxes=boxes, labels=labels)
    sample.ignored_instances = InstanceData(bboxes=boxes[:0], labels=labels[:0])
    batch = {"inputs": [picture], "data_samples": [sample]}
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    losses = model.train()(**model.data_preprocessor(batch, training=True), mode="loss")
    loss, _ = model.parse_losses(losses)
    loss.backward()
    optimizer.step()
    if not loss.isfinite():
        raise ValueError(f"the loss is {loss.item()}")
    with torch.no_grad():
        (found,) = model.eval().test_step(batch)
    count = len(found.pred_instances)
    return f"a step of training, loss {loss.item():.2f}, and a detection, {count} boxes"
