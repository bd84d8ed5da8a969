"""The command-line options that the tools share."""

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add --cfg-options, as a dict by dotted names."""
    from mmengine.config import DictAction  # exported files are run where it is not

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


def by_name(configs: Sequence[str], taken: Collection[str] = ()) -> dict[str, str]:
    """Each config by its file's name; those of equal names, or of names that are taken, by path."""
    stems = [Path(path).stem for path in configs]
    return {
        stem if stems.count(stem) == 1 and stem not in taken else path: path
        for stem, path in zip(stems, configs, strict=True)
    }


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
