"""Compare what configs cost to train: parameters and the time of a training step, interleaved.

Example: tools/benchmark.py configs/segmentation/*_1k_camvid-128x128.py --data ROOT
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from mmengine.config import Config

import msa_backbone  # noqa: F401  (registers the backbone, serves mmcv's ops)
from msa_backbone.integration import config_edits, runs, user_data
from msa_backbone.integration.arguments import add_config_options
from msa_backbone.integration.benchmark import compare_training_steps


def prepare(path: str, args: argparse.Namespace, work_dir: str) -> Config:
    """A config on the user's data, from random weights."""
    cfg = runs.load_config(path, work_dir, args.cfg_options)
    data = user_data.use_data(cfg, args.data, args.classes) if args.data else None
    runs.apply_options(cfg, args.cfg_options)
    config_edits.unsync_norms(cfg)
    config_edits.drop_pretrained(cfg)
    runs.rehearse(cfg, () if data else ("train_dataloader",))
    if data is not None:
        user_data.write_index(cfg, data)
    return cfg


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", help="mmdet or mmseg configs; the first is 1.00")
    parser.add_argument("--data", metavar="ROOT", help="use this folder's data")
    parser.add_argument("--classes", nargs="+", help="with --data: as in tools/train.py")
    parser.add_argument("--rounds", type=int, default=20, help="timed steps of each (default: 20)")
    parser.add_argument("--threads", type=int, help="of the CPU; all by default")
    add_config_options(parser)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    with TemporaryDirectory() as work_dir:
        with runs.one_line_errors():
            if args.rounds < 1:
                raise ValueError(f"--rounds {args.rounds}: give 1 or more")
            cfgs = {
                Path(path).stem: prepare(path, args, f"{work_dir}/{number}")
                for number, path in enumerate(args.configs)
            }
        print(compare_training_steps(cfgs, args.rounds))


if __name__ == "__main__":
    main()
