"""Score captions that only repeat: each picture gets that of the most similar training picture.

Pictures are similar if their features have the same direction: those of the last map of the
config's backbone, averaged over its places. A captioner that scores less has learned nothing of use
("Exploring nearest neighbor approaches for image captioning", https://arxiv.org/abs/1505.04467,
section 3; of one neighbour, its first caption).

Example:
  tools/nearest_captions.py multimodal/captions_msa-vgg16_1xb32-40k_coco-224x224 --data ROOT
"""

import argparse
import tempfile

import torch
from mmengine.config import Config
from mmengine.evaluator import Evaluator
from mmengine.registry import MODELS, init_default_scope
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.nn.functional import normalize

import msa_backbone  # noqa: F401  (registers the backbone)
from msa_backbone.cli.arguments import add_config_options
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import load_config
from msa_backbone.tasks import Task, task_of
from msa_backbone.training.prepare import prepare_training


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="of a captioner")
    parser.add_argument("--data", metavar="ROOT", help="use this folder's data")
    parser.add_argument("--weights", help="of the backbone, in place of the config's")
    parser.add_argument("--split", choices=["val", "test"], default="test", help="(default: test)")
    add_config_options(parser)
    return parser.parse_args()


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


def main() -> None:
    args = parse_args()
    with one_line_errors(), tempfile.TemporaryDirectory() as work_dir:
        cfg = load_config(args.config, work_dir, args.cfg_options)
        if task_of(cfg) != Task.CAPTIONS:
            raise ValueError(f"{args.config} is no captioner's")
        options = {"data": args.data, "weights": args.weights, "options": args.cfg_options}
        for line in prepare_training(cfg, **options):
            print(line)
        scores, captions = nearest_captions(cfg, args.split)
    for image, caption in captions[:10]:
        print(f"{image}: {caption}")
    print(", ".join(f"{name} {value:.2f}" for name, value in scores.items()))


if __name__ == "__main__":
    main()
