"""What attention costs, as ratios to plain VGG16; or what configs cost to train and to run.

Without configs: VGG16 with the published formulation, with this package's module and with timm's
SE, ECA and CBAM in its place, interleaved in one process, channels_last. With configs: a training
step and a test step of each, on the first batch of its data.

Examples:
  tools/benchmark.py --threads 2 --shapes 1x320x320 --out work_dirs/costs
  tools/benchmark.py --shapes 1x224x224 1x320x320 1x480x640 --variants plain ours --growth pixels
  tools/benchmark.py configs/segmentation/*_1xb2-1k_camvid-128x128.py --data ROOT
  tools/benchmark.py --device cuda --amp --shapes 2x800x1333 --form graph
  tools/benchmark.py --device cuda --amp --shapes 2x800x1333 --bandwidth
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from msa_backbone.cli.arguments import (
    add_config_options,
    by_name,
    parse_shape,
    require_at_least,
)
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import apply_options, load_config
from msa_backbone.costs.variants import FORMS, VARIANTS

OF_VARIANTS = ("variants", "shapes", "positions", "growth", "out", "amp", "form", "bandwidth")
"""Options that say how the backbones are measured; configs have all of it in them."""


def prepare(path: str, args: argparse.Namespace, work_dir: str) -> Config:
    """A config on the user's data, from random weights."""
    from msa_backbone.config.options import check_precision, drop_pretrained, unsync_norms
    from msa_backbone.config.rehearse import rehearse
    from msa_backbone.config.user_data import use_data

    cfg = load_config(path, work_dir, args.cfg_options)
    data = use_data(cfg, args.data, args.classes)
    apply_options(cfg, args.cfg_options)
    unsync_norms(cfg)
    drop_pretrained(cfg)
    if args.device == "cpu":
        check_precision(cfg)
    if cfg.get("test_dataloader") is None:
        raise ValueError(f"config {path} has no test_dataloader, so there is no test to measure")
    rehearse(cfg, () if data else ("train_dataloader", "test_dataloader"))
    if data is not None:
        print(*data.lines, sep="\n")
        data.write_index()
    return cfg


def compare_variants(args: argparse.Namespace) -> None:
    """Print a table for each shape and place of the modules, and draw them."""
    from msa_backbone.costs.backbones import measure
    from msa_backbone.costs.plots import plot_costs
    from msa_backbone.costs.tables import costs_table, growth_table

    names = list(dict.fromkeys(["plain", *args.variants]))
    tables, measured = [], {}
    for positions in args.positions:
        for shape in args.shapes:
            costs = measure(names, positions, shape, args.rounds, args.device, args.amp, args.form)
            title = f"{'x'.join(map(str, shape))}, after each stage's {positions}"
            title += "" if args.form == "eager" else f", {args.form}"
            measured[title] = costs
            tables.append(f"{title}\n\n{costs_table(costs)}")
            print(tables[-1], end="\n\n", flush=True)
        if args.growth:
            sizes = [size_of(shape, args.growth) for shape in args.shapes]
            growth = list(measured.values())[-len(args.shapes) :]
            tables.append(
                f"exponents over {args.growth}, {positions}\n\n{growth_table(sizes, growth)}"
            )
            print(tables[-1], end="\n\n", flush=True)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "costs.md").write_text("\n\n".join(tables) + "\n")
        plot_costs(measured, args.out / "costs.png")


def compare_with_copy(args: argparse.Namespace) -> None:
    """Print what share of a copy's bandwidth each kernel reaches."""
    import torch

    from msa_backbone.costs.gpu_bandwidth import bandwidth_table, measure_copy, measure_passes

    copy = measure_copy()
    dtype = torch.bfloat16 if args.amp else torch.float32
    for positions in args.positions:
        for shape in args.shapes:
            passes = measure_passes(shape, positions, dtype)
            print(f"{'x'.join(map(str, shape))}, after each stage's {positions}\n")
            print(bandwidth_table(passes, copy), end="\n\n", flush=True)


def compare_configs(args: argparse.Namespace) -> None:
    """Print what a step of each config costs."""
    from msa_backbone.costs.configs import compare_steps

    with TemporaryDirectory() as work_dir:
        cfgs = {
            name: prepare(path, args, f"{work_dir}/{number}")
            for number, (name, path) in enumerate(by_name(args.configs).items())
        }
        print(compare_steps(cfgs, args.rounds, args.device))


def check_options(args: argparse.Namespace, default: Callable[[str], object]) -> None:
    """Raise ValueError for what would fail, or mislead, after the measurements.

    Args:
        args: the options.
        default: what an option is if it is not given.
    """
    import torch

    require_at_least(1, args, "rounds", "threads")
    if args.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("--device cuda: torch finds no CUDA device, leave it out")
    if args.form.endswith("graph") and args.device != "cuda":
        raise ValueError(f"--form {args.form} records CUDA graphs: give --device cuda")
    if args.bandwidth and args.device != "cuda":
        raise ValueError("--bandwidth measures kernels on a GPU: give --device cuda")
    for name in ("growth", "out", "variants", "form") if args.bandwidth else ():
        if getattr(args, name) != default(name):
            raise ValueError(f"--bandwidth prints a table of our kernels: leave out --{name}")
    if args.out is not None and args.out.exists() and not args.out.is_dir():
        raise ValueError(f"--out {args.out} is a file: give a folder")
    for name in OF_VARIANTS:
        if args.configs and getattr(args, name) != default(name):
            raise ValueError(f"--{name} is for VGG16 alone: leave it out, or the configs")
    for name in ("data", "classes", "cfg_options"):
        if getattr(args, name) and not args.configs:
            option = name.replace("_", "-")
            raise ValueError(f"--{option} goes with configs: name one or more")
    if args.growth and len({size_of(shape, args.growth) for shape in args.shapes}) < 2:
        raise ValueError(f"--growth {args.growth} needs two or more --shapes that differ in them")
    others = {"pixels": lambda shape: shape[:1], "samples": lambda shape: shape[1:]}
    if args.growth and len({others[args.growth](shape) for shape in args.shapes}) > 1:
        raise ValueError(f"--growth {args.growth} needs --shapes that differ in nothing else")


def size_of(shape: tuple[int, int, int], growth: str) -> int:
    """Samples, or pixels of a sample."""
    return shape[0] if growth == "samples" else shape[1] * shape[2]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*", help="mmdet or mmseg configs; the first is 1.00")
    parser.add_argument("--data", metavar="ROOT", help="with configs: use this folder's data")
    parser.add_argument("--classes", nargs="+", help="with --data: as in tools/train.py")
    parser.add_argument(
        "--variants",
        nargs="+",
        choices=VARIANTS,
        default=["plain", "naive", "ours", "fused", "SE", "ECA", "CBAM"],
        help="compiled needs a C++ compiler (default: plain naive ours fused SE ECA CBAM)",
    )
    parser.add_argument(
        "--shapes", nargs="+", type=parse_shape, default=[(1, 320, 320)], metavar="NxHxW"
    )
    parser.add_argument(
        "--positions", nargs="+", choices=("pool", "relu", "conv"), default=["pool", "relu"]
    )
    parser.add_argument(
        "--growth", choices=("pixels", "samples"), help="fit how costs grow over the shapes"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="save costs.md and costs.png")
    parser.add_argument("--rounds", type=int, default=20, help="timed rounds (default: 20)")
    parser.add_argument("--threads", type=int, help="of the CPU; all by default")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--amp", action="store_true", help="autocast to bfloat16")
    parser.add_argument(
        "--form",
        choices=FORMS,
        default="eager",
        help="run steps as they are, from a CUDA graph, compiled, or both (default: eager)",
    )
    parser.add_argument(
        "--bandwidth", action="store_true", help="the GPU's kernels alone, beside a copy"
    )
    add_config_options(parser)
    args = parser.parse_args()
    import torch

    args.shapes = list(dict.fromkeys(args.shapes))
    with one_line_errors():
        check_options(args, parser.get_default)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    measure = compare_configs if args.configs else compare_variants
    with one_line_errors():  # of packages and data that are missing, too
        (compare_with_copy if args.bandwidth else measure)(args)


if __name__ == "__main__":
    main()
