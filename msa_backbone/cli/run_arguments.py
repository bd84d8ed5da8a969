"""The command-line options of tools that train or test."""

import argparse

from ..data.classification.find import CLASSIFICATION_LAYOUTS
from ..data.detection.find import LAYOUTS
from ..data.language.find import CAPTION_LAYOUTS, QUESTION_LAYOUTS
from ..data.modalities.find import MODALITY_LAYOUT
from ..data.segmentation.find import SEGMENTATION_LAYOUTS
from .arguments import add_config_options

LAYOUTS_HELP = (
    f"layouts that --data accepts:\n\nboxes and instances\n{LAYOUTS}\n\n"
    f"semantic masks\n{SEGMENTATION_LAYOUTS}\n\nseveral cameras\n{MODALITY_LAYOUT}\n\n"
    f"a class for each image\n{CLASSIFICATION_LAYOUTS}\n\nquestions\n{QUESTION_LAYOUTS}\n\n"
    f"captions\n{CAPTION_LAYOUTS}"
)


def run_parser(description: str) -> argparse.ArgumentParser:
    """A parser for a tool that trains or tests, with the options that all of these have."""
    parser = argparse.ArgumentParser(
        description=description,
        epilog=LAYOUTS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", help="a config file of mmdet, mmseg or mmpretrain")
    parser.add_argument("--data", metavar="ROOT", help="use this folder's data (layouts below)")
    parser.add_argument(
        "--classes",
        nargs="+",
        help="with --data: these classes only; of masks, the name of every value from 0 on",
    )
    parser.add_argument("--work-dir", help="where logs and results go; by the config's name")
    parser.add_argument("--seed", type=int, help="seed of everything random")
    add_config_options(parser)
    parser.add_argument("--launcher", choices=["none", "pytorch", "slurm", "mpi"], default="none")
    parser.add_argument("--local_rank", "--local-rank", type=int, help=argparse.SUPPRESS)
    return parser
