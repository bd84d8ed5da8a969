"""Test a checkpoint of mmdet, mmseg or mmpretrain: scores, a table per class and pictures.

With --data, the folder's test split is used, else its val split. Results go into the folder `test`
of the training's work dir, or into the folder of --work-dir; of a training's again into its `test`.
"""

import argparse

from mmengine.config import Config

from msa_backbone.cli.arguments import add_sensor_options
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.cli.run_arguments import run_parser
from msa_backbone.config.load import load_config
from msa_backbone.export.runtime.sessions import SUFFIXES
from msa_backbone.training.console import quiet_libraries


def prepare(cfg: Config, args: argparse.Namespace) -> list[str]:
    """Make the config ready; return lines for the user."""
    from msa_backbone.export.prepare_testing import prepare_exported_testing
    from msa_backbone.training.prepare import prepare_testing

    shared = {name: getattr(args, name) for name in ("data", "classes", "seed")}
    of_checkpoints = {name: getattr(args, name) for name in ("slide", "tta", "sensors", "black")}
    if not args.checkpoint.endswith(SUFFIXES):
        options = {**shared, **of_checkpoints, "options": args.cfg_options}
        return prepare_testing(cfg, args.checkpoint, **options)
    for name, value in of_checkpoints.items():
        if value or (name == "slide" and value is not None):
            raise ValueError(f"--{name} changes the model, and {args.checkpoint} is exported")
    return prepare_exported_testing(cfg, args.checkpoint, **shared, options=args.cfg_options)


def main() -> None:
    parser = run_parser(__doc__)
    parser.add_argument(
        "checkpoint", help="of a training with the config, or a file from tools/export.py"
    )
    parser.add_argument(
        "--slide",
        nargs="?",
        type=int,
        const=0,
        metavar="SIDE",
        help="segmentation: predict square windows of this side, by default the training crop",
    )
    parser.add_argument(
        "--tta",
        action="store_true",
        help="segmentation: average over the config's tta_pipeline, by default over mirror images",
    )
    add_sensor_options(parser)
    args = parser.parse_args()
    from msa_backbone.training.distributed import join_processes, main_process_first
    from msa_backbone.training.tool_runner import ToolRunner

    with quiet_libraries():
        with one_line_errors():
            cfg = load_config(args.config, args.work_dir, args.cfg_options, "test")
            join_processes(cfg, args.launcher)
            with main_process_first():
                for line in prepare(cfg, args):
                    print(line)
        ToolRunner.from_cfg(cfg).test()


if __name__ == "__main__":
    main()
