"""Train a config of mmdet, mmseg or mmpretrain, on its own data or on yours."""

import argparse

from mmengine.config import Config

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.cli.run_arguments import run_parser
from msa_backbone.config.load import load_config
from msa_backbone.training.console import quiet_libraries, sorted_prints


def parse_args() -> argparse.Namespace:
    parser = run_parser(__doc__)
    parser.add_argument(
        "--weights", metavar="FILE", help="backbone weights: a file, a URL or torchvision://vgg16"
    )
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="show the first batch, the speed, the memory and the time expected; train nothing",
    )
    parser.add_argument(
        "--resume",
        nargs="?",
        const="auto",
        metavar="CHECKPOINT",
        help="go on from a checkpoint, by default the newest in the work dir",
    )
    parser.add_argument(
        "--amp",
        action="store_true",
        help="mixed precision: float16 on CUDA, bfloat16 on CPUs that have it",
    )
    parser.add_argument(
        "--auto-scale-lr", action="store_true", help="scale the learning rate with the batch size"
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from msa_backbone.training.dry_run import dry_run
    from msa_backbone.training.tool_runner import ToolRunner

    with quiet_libraries():
        with one_line_errors():
            cfg = prepare(args)
        if args.dry_run:
            with sorted_prints():
                shown = dry_run(cfg)
            print(shown)
        else:
            ToolRunner.from_cfg(cfg).train()


def prepare(args: argparse.Namespace) -> Config:
    """The config of a training that can start; prints what was decided."""
    from msa_backbone.training.distributed import join_processes, main_process_first
    from msa_backbone.training.prepare import prepare_training

    if args.dry_run and args.launcher != "none":
        raise ValueError("--dry-run runs in one process: leave --launcher out")
    cfg = load_config(args.config, args.work_dir, args.cfg_options)
    join_processes(cfg, args.launcher)
    with main_process_first():
        for line in prepare_training(
            cfg,
            data=args.data,
            classes=args.classes,
            weights=args.weights,
            amp=args.amp,
            auto_scale_lr=args.auto_scale_lr,
            seed=args.seed,
            options=args.cfg_options,
            resume=args.resume,
        ):
            print(line)
    return cfg


if __name__ == "__main__":
    main()
