"""Train an mmdet or mmseg config, on its own data or on yours."""

import argparse

from mmengine.config import Config
from mmengine.runner import Runner

import msa_backbone  # noqa: F401  (registers the backbone, serves mmcv's ops)
from msa_backbone.integration import config_edits, runs, user_data
from msa_backbone.integration.arguments import run_parser
from msa_backbone.integration.distributed import join_processes, main_process_first
from msa_backbone.integration.dry_run import dry_run


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


def prepare(cfg: Config, args: argparse.Namespace) -> None:
    """Put the options into the config, and find out whether the run can start."""
    data = user_data.use_data(cfg, args.data, args.classes) if args.data else None
    if args.weights:
        print(config_edits.set_backbone_weights(cfg, args.weights))
    if args.amp:
        print(config_edits.set_mixed_precision(cfg))
    if args.auto_scale_lr:
        config_edits.enable_auto_scale_lr(cfg)
    if args.seed is not None:
        config_edits.set_seed(cfg, args.seed)
    runs.apply_options(cfg, args.cfg_options)
    if args.resume or (cfg.get("resume") and not cfg.get("load_from")):
        runs.resume(cfg, None if args.resume in (None, "auto") else args.resume)
    config_edits.fit_processes(cfg)
    config_edits.make_resumable(cfg)
    config_edits.add_report(cfg)
    runs.rehearse(cfg, () if data else ("train_dataloader", "val_dataloader"))
    if data is not None:
        user_data.write_index(cfg, data)


def main() -> None:
    args = parse_args()
    with runs.one_line_errors():
        if args.dry_run and args.launcher != "none":
            raise ValueError("--dry-run runs in one process: leave --launcher out")
        cfg = runs.load_config(args.config, args.work_dir, args.cfg_options)
        join_processes(cfg, args.launcher)
        with main_process_first():
            prepare(cfg, args)
    if args.dry_run:
        print(dry_run(cfg))
    else:
        Runner.from_cfg(cfg).train()


if __name__ == "__main__":
    main()
