"""Test a checkpoint of an mmdet or mmseg config: scores, a table per class and pictures."""

import argparse

from mmengine.config import DictAction
from mmengine.runner import Runner

import msa_backbone  # noqa: F401  (registers the backbone, serves mmcv's ops)
from msa_backbone.data.layouts import LAYOUTS
from msa_backbone.data.splits import write_index
from msa_backbone.integration import config_edits, runs


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"layouts that --data accepts:\n{LAYOUTS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", help="the config file that the checkpoint was trained with")
    parser.add_argument("checkpoint", help="the checkpoint file")
    parser.add_argument(
        "--data", metavar="ROOT", help="test on this folder's test split, else its val split"
    )
    parser.add_argument("--classes", nargs="+", help="with --data: these classes only")
    parser.add_argument("--work-dir", help="where logs and pictures go (WORK_DIR/test)")
    parser.add_argument("--seed", type=int, help="seed of everything random")
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        default={},
        metavar="KEY=VALUE",
        help="change settings of the config; applied after --data",
    )
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with runs.one_line_errors():
        cfg = runs.load_config(args.config, args.work_dir, args.cfg_options, "test")
        cfg.launcher = args.launcher
        data = runs.use_data(cfg, args.data, args.classes) if args.data else None
        if args.seed is not None:
            cfg.randomness = {"seed": args.seed}
        cfg.load_from = args.checkpoint
        runs.apply_options(cfg, args.cfg_options)
        config_edits.add_report(cfg)
        # The checkpoint brings every weight: no pretrained file is needed.
        config_edits.drop_pretrained(cfg)
        model = runs.rehearse(cfg, () if data else ("test_dataloader",))
        runs.check_checkpoint(model, args.checkpoint, data.classes if data else None)
        if data is not None:
            write_index(data, runs.index_dir(cfg))
    Runner.from_cfg(cfg).test()


if __name__ == "__main__":
    main()
