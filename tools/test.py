"""Test a checkpoint of mmdet, mmseg or mmpretrain: scores, a table per class and pictures.

With --data, the folder's test split is used, else its val split. Results go into the folder `test`
of the training's work dir unless --work-dir names another.
"""

import argparse

from mmengine.config import Config
from mmengine.runner import Runner

import msa_backbone  # noqa: F401  (registers the backbone, serves mmcv's ops)
from msa_backbone.integration import config_edits, runs, segmentation_edits, user_data
from msa_backbone.integration.arguments import run_parser
from msa_backbone.integration.distributed import join_processes, main_process_first


def prepare(cfg: Config, args: argparse.Namespace) -> None:
    """Put the options into the config, and find out whether the test can start."""
    data = user_data.use_data(cfg, args.data, args.classes) if args.data else None
    if args.slide is not None:
        print(segmentation_edits.set_sliding_window(cfg, args.slide))
    if args.seed is not None:
        config_edits.set_seed(cfg, args.seed)
    cfg.load_from = args.checkpoint
    runs.apply_options(cfg, args.cfg_options)
    config_edits.fit_processes(cfg)
    config_edits.add_report(cfg)
    # The checkpoint brings every weight: no pretrained file is needed.
    config_edits.drop_pretrained(cfg)
    model = runs.rehearse(cfg, () if data else ("test_dataloader",))
    runs.check_checkpoint(model, args.checkpoint, data.classes if data else None)
    if args.tta:
        print(segmentation_edits.set_flip_augmentation(cfg))
    if data is not None:
        user_data.write_index(cfg, data, testing=True)


def main() -> None:
    parser = run_parser(__doc__)
    parser.add_argument("checkpoint", help="a checkpoint that was trained with the config")
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
    args = parser.parse_args()
    with runs.one_line_errors():
        cfg = runs.load_config(args.config, args.work_dir, args.cfg_options, "test")
        join_processes(cfg, args.launcher)
        with main_process_first():
            prepare(cfg, args)
    Runner.from_cfg(cfg).test()


if __name__ == "__main__":
    main()
