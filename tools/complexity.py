"""Where a backbone's parameters, FLOPs, memory and time are, beside plain VGG16.

Without configs: VGG16 with attention modules of --variants, --ratios and --positions. With
configs: their whole models, a detector's second stage on all proposals that its test keeps, then
their backbones, and of several cameras their streams with a plain sum. The totals are of the
backbones as they run; the parts (--parts, and the picture) are of their attention's formula,
operation by operation, nothing recomputed.

Examples:
  tools/complexity.py --ratios 8 16 32 --positions pool relu conv --out work_dirs/complexity
  tools/complexity.py --variants ours axial linear CBAM --shape 1x224x224 --parts
  tools/complexity.py configs/detection/faster-rcnn_msa-vgg16_fpn_8xb2-1x_coco.py --shape 1x800x1333
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config

import msa_backbone
from msa_backbone.cli.arguments import by_name, parse_shape, require_at_least
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import load_config
from msa_backbone.costs.variants import ATTENTION

if TYPE_CHECKING:
    from msa_backbone import MSAVGG


def backbones_of(args: argparse.Namespace, cfgs: Mapping[str, Config]) -> "dict[str, MSAVGG]":
    """The backbones to compare, by name, the plain one first."""
    models = {"plain": msa_backbone.MSAVGG(attention=None, out_indices=(4,))}
    if cfgs:
        for name, cfg in cfgs.items():
            models |= backbones_of_config(cfg, name)
        return models
    for variant in args.variants:
        for ratio in args.ratios or [None]:
            for positions in args.positions:
                attention = dict(ATTENTION[variant])
                if ratio is not None:
                    if attention["type"] == "TimmAttention":
                        raise ValueError(f"--ratios is for this package's modules: not {variant}")
                    attention["reduction_ratio"] = ratio
                name = f"{variant}{f', r = {ratio}' if ratio else ''}, {positions}"
                models[name] = msa_backbone.MSAVGG(
                    attention=attention,
                    attention_positions=positions,
                    out_indices=(4,),
                    zero_init=False,  # other people's modules as they were published
                )
    return models


def backbones_of_config(cfg: Config, name: str) -> "dict[str, MSAVGG]":
    """A config's backbone, from random weights; of several cameras also the sum of its streams."""
    options = {**(cfg.get("model", {}).get("backbone") or {}), "init_cfg": None}
    kind = options.pop("type", None)
    if kind == "MultiModalMSAVGG":
        plain = {**options, "fusion": "sum", "exchange": False}
        streams = msa_backbone.MultiModalMSAVGG(**plain)
        return {f"{name}, streams summed": streams, name: msa_backbone.MultiModalMSAVGG(**options)}
    if kind != "MSAVGG":
        raise ValueError(f"{cfg.filename}: its backbone is no MSAVGG")
    return {name: msa_backbone.MSAVGG(**options)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="*", help="configs with a MSAVGG or MultiModalMSAVGG")
    parser.add_argument("--variants", nargs="+", choices=ATTENTION, default=["ours"])
    parser.add_argument("--ratios", nargs="+", type=int, help="reduction ratios")
    parser.add_argument(
        "--positions", nargs="+", choices=("pool", "relu", "conv"), default=["pool"]
    )
    parser.add_argument("--shape", type=parse_shape, default=(1, 320, 320), metavar="NxHxW")
    parser.add_argument("--rounds", type=int, default=10, help="timed rounds (default: 10)")
    parser.add_argument("--threads", type=int, help="of the CPU; all by default")
    parser.add_argument("--parts", action="store_true", help="a table of each one's parts as well")
    parser.add_argument("--out", type=Path, metavar="DIR", help="save complexity.md and .png")
    args = parser.parse_args()
    import torch

    from msa_backbone.costs.backbones import compare_backbones
    from msa_backbone.costs.parts import VGG, part_costs
    from msa_backbone.costs.plots import plot_complexity
    from msa_backbone.costs.tables import parts_table, totals_table, whole_models_table

    with one_line_errors():
        require_at_least(1, args, "rounds", "threads")
        for name in ("variants", "ratios", "positions") if args.configs else ():
            if getattr(args, name) != parser.get_default(name):
                raise ValueError(f"--{name} is for VGG16 alone: leave it out, or the configs")
        named = by_name(args.configs, taken=["plain"])
        cfgs = {name: load_config(path, None, {}) for name, path in named.items()}
        models = backbones_of(args, cfgs)
    if args.threads is not None:
        torch.set_num_threads(args.threads)
    samples, height, width = args.shape
    shape, tables = (samples, 3, height, width), []
    if cfgs:
        with one_line_errors():
            whole = whole_models_table(cfgs, (height, width))
        if whole:
            tables.append(whole)
            print(whole, end="\n\n", flush=True)
    tables.append(totals_table(compare_backbones(models, shape, args.rounds)))
    print(tables[-1], flush=True)
    if not args.parts and args.out is None:
        return
    costs = {name: part_costs(model, shape, args.rounds) for name, model in models.items()}
    if args.parts:
        for name, parts in costs.items():
            tables.append(f"{name}\n\n{parts_table(parts)}")
            print(f"\n{tables[-1]}", flush=True)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "complexity.md").write_text("\n\n".join(tables) + "\n", encoding="utf-8")
        attended = {
            name: parts for name, parts in costs.items() if any(cost.part != VGG for cost in parts)
        }
        if attended:
            plot_complexity(attended, args.out / "complexity.png")


if __name__ == "__main__":
    main()
