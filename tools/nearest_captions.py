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

from msa_backbone.cli.arguments import add_config_options
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import load_config
from msa_backbone.tasks import Task, task_of


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


def main() -> None:
    args = parse_args()
    from msa_backbone.inference.explain.nearest_captions import nearest_captions
    from msa_backbone.training.prepare import prepare_training

    with one_line_errors(), tempfile.TemporaryDirectory() as work_dir:
        cfg = load_config(args.config, work_dir, args.cfg_options)
        if task_of(cfg) != Task.CAPTIONS:
            raise ValueError(f"{args.config} is no captioner's")
        options = {"data": args.data, "weights": args.weights, "options": args.cfg_options}
        for line in prepare_training(cfg, **options):
            print(line)
        if cfg.get("load_from"):
            raise ValueError("load_from names a whole model: give its file as --weights instead")
        scores, captions = nearest_captions(cfg, args.split)
    for image, caption in captions[:10]:
        print(f"{image}: {caption}")
    print(", ".join(f"{name} {value:.2f}" for name, value in scores.items()))


if __name__ == "__main__":
    main()
