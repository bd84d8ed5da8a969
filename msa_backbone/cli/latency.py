"""How long a picture takes in every runtime, plain VGG16 against the one with attention.

Whole models, from pixels to results: PyTorch as it is, with backbone and neck compiled, exported to
ONNX Runtime and OpenVINO, and both in int8. All take turns; medians, in a table for each config and
size.

Examples:
  tools/latency.py detection/faster-rcnn_msa-vgg16_fpn_8xb2-1x_coco --sizes 240x320 480x640
  tools/latency.py segmentation/unet_msa-vgg16_4xb4-40k_camvid-360x360 --sizes 192x256
  tools/latency.py --backbone pool relu --sizes 240x320 480x640
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from ..config.load import apply_options, load_config
from ..export.required_packages import RUNTIMES
from ..packages import require_packages
from .arguments import add_config_options, require_at_least
from .errors import one_line_errors


def parse_size(text: str) -> tuple[int, int]:
    """'240x320' as (height, width), 32 pixels a side or more."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() and int(part) >= 32 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write it as 240x320 (H x W)")
    return int(parts[0]), int(parts[1])


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*", help="of detectors and segmenters with MSAVGG")
    parser.add_argument(
        "--backbone",
        nargs="+",
        choices=("pool", "relu"),
        default=[],
        help="VGG16 alone, with the attention after the pools or before them",
    )
    parser.add_argument("--sizes", nargs="+", type=parse_size, default=[(240, 320)], metavar="HxW")
    parser.add_argument("--runtimes", nargs="+", choices=RUNTIMES, default=list(RUNTIMES))
    parser.add_argument("--rounds", type=int, default=20, help="timed rounds (default: 20)")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU (default: 2)")
    add_config_options(parser)
    return parser.parse_args()


def tables(args: argparse.Namespace) -> Iterator[str]:
    """A table for each config, or place of the attention in the backbone, and size."""
    if not (args.configs or args.backbone):
        raise ValueError("name a config, or a place of the attention with --backbone")
    if args.cfg_options and not args.configs:
        raise ValueError("--cfg-options goes with configs: name one or more")
    require_at_least(1, args, "rounds", "threads")
    names = dict.fromkeys(name for runtime in args.runtimes for name in RUNTIMES[runtime])
    require_packages("latency", names)
    import torch

    from ..export.latency import backbone_steps, latency_table, measure_latency, whole_steps

    torch.set_num_threads(args.threads)

    def load(config: str) -> Config:
        cfg = load_config(config, None, args.cfg_options)
        apply_options(cfg, args.cfg_options)
        return cfg

    subjects = {f"VGG16, {place}": partial(backbone_steps, place) for place in args.backbone}
    subjects |= {c: partial(whole_steps, partial(load, c)) for c in args.configs}
    for title, steps in subjects.items():
        for size in args.sizes:

            def steps_of(name: str, folder: Path, steps: Callable = steps, size: tuple = size):
                return steps(name, size, args.runtimes, args.threads, folder)

            with TemporaryDirectory() as folder:
                times = measure_latency(steps_of, args.rounds, Path(folder))
            head = f"{title}, {size[0]}x{size[1]}, {args.threads} threads, {args.rounds} rounds"
            yield f"{head}\n\n{latency_table(times)}\n"


def main() -> None:
    args = parse_args()
    with one_line_errors():
        for table in tables(args):
            print(table, flush=True)
