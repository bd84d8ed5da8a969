"""Small models that answer questions or write captions, untrained."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.registry import MODELS, init_default_scope

from msa_backbone.language import train_vocabulary

CONFIGS = Path(__file__).parents[1] / "configs/multimodal"
QUESTIONS = ["is it red?", "where is the 3?"]
ANSWERS = ["yes", "no", "top left"]


def small_answerer(folder: Path, kind: str, attention: str = "") -> tuple[Path, Path]:
    """A config and a checkpoint with words of its own, which the config does not know.

    Args:
        folder: where both are written.
        kind: 'vqa' or 'captions'.
        attention: more arguments of the backbone, `, name=value`.
    """
    base = next(CONFIGS.glob(f"{kind}_*demo*.py"))
    config, checkpoint = folder / f"{kind}.py", folder / f"{kind}.pth"
    options = ", attention_positions=(10, 15)" * (kind == "vqa") + attention
    config.write_text(
        f"_base_ = {str(base)!r}\n"
        f"model = dict(backbone=dict(depth=11, base_channels=16{options}))\n"
    )
    cfg = Config.fromfile(config)
    init_default_scope(cfg.default_scope)
    cfg.model.vocabulary = train_vocabulary(QUESTIONS)
    if kind == "vqa":
        cfg.model.answers = ANSWERS
    torch.manual_seed(0)
    torch.save({"state_dict": MODELS.build(cfg.model).state_dict()}, checkpoint)
    return config, checkpoint
