"""Captions that only repeat: each picture gets that of the most similar training picture.

Pictures are similar if their features have the same direction: those of the last map of the
config's backbone, averaged over its places ("Exploring nearest neighbor approaches for image
captioning", https://arxiv.org/abs/1505.04467, section 3; of one neighbour, its first caption).
"""

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.functional import normalize


@torch.no_grad()
def directions(backbone: nn.Module, preprocess: nn.Module, loader: dict) -> tuple[Tensor, list]:
    """Unit vectors of all pictures of a loader, (N, C), and their samples."""
    loader = {**loader, "sampler": {"type": "DefaultSampler", "shuffle": False}}
    found, samples = [], []
    for batch in Runner.build_dataloader(loader, seed=0):
        batch = preprocess(batch, training=False)
        found.append(normalize(backbone(batch["images"])[-1].mean((2, 3))))
        samples += batch["data_samples"]
    return torch.cat(found), samples


def nearest_captions(cfg: Config, split: str) -> tuple[dict[str, float], list[tuple[str, str]]]:
    """The scores, and each picture's file with its caption."""
    init_default_scope(cfg.default_scope)
    backbone = MODELS.build(cfg.model.backbone)
    backbone.init_weights()
    preprocess = MODELS.build(cfg.model.data_preprocessor)
    known, training = directions(backbone.eval(), preprocess, cfg.train_dataloader)
    asked, samples = directions(backbone, preprocess, cfg[f"{split}_dataloader"])
    captions = [training[number].gt_caption for number in (asked @ known.T).argmax(1)]
    for sample, caption in zip(samples, captions, strict=True):
        sample.pred_caption = caption if isinstance(caption, str) else caption[0]
    judge = Evaluator(cfg[f"{split}_evaluator"])
    judge.process(samples)
    return judge.evaluate(len(samples)), [(s.img_path, s.pred_caption) for s in samples]
