"""The command-line options that the tools share."""

import argparse

from mmengine.config import DictAction

from ..data.classification.find import CLASSIFICATION_LAYOUTS
from ..data.detection.find import LAYOUTS
from ..data.language.find import CAPTION_LAYOUTS, QUESTION_LAYOUTS
from ..data.modalities.find import MODALITY_LAYOUT
from ..data.segmentation.find import SEGMENTATION_LAYOUTS

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


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add --cfg-options, as a dict by dotted names."""
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=DictAction,
        default={},
        metavar="KEY=VALUE",
        help="change settings of the config; applied after the other options",
    )


def add_sensor_options(parser: argparse.ArgumentParser) -> None:
    """Add --sensors and --black, for models of several cameras."""
    parser.add_argument(
        "--sensors",
        nargs="+",
        metavar="NAME",
        help="several cameras: those that are on; the others are absent, their files are not read",
    )
    parser.add_argument(
        "--black",
        nargs="+",
        default=[],
        metavar="NAME",
        help="several cameras: those that send black pictures, of which the model is not told",
    )


def require_at_least(least: int, args: argparse.Namespace, *names: str) -> None:
    """Raise ValueError for an option below `least`; options that are not given are fine."""
    for name in names:
        value = getattr(args, name)
        if value is not None and value < least:
            raise ValueError(f"--{name.replace('_', '-')} {value}: give {least} or more")


def parse_shape(text: str) -> tuple[int, int, int]:
    """'1x320x480' as (samples, height, width), 32 pixels a side or more."""
    parts = text.lower().split("x")
    if len(parts) != 3 or not all(part.isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no shape: write it as 1x320x480 (N x H x W)")
    if min(int(parts[1]), int(parts[2])) < 32:
        raise argparse.ArgumentTypeError(f"{text!r} is too small: VGG needs 32 pixels a side")
    return int(parts[0]), int(parts[1]), int(parts[2])
