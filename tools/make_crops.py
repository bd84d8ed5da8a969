"""Make classification data: pictures of a detection set's objects, or patches of a segmented set.

OUT gets a folder for each split and class. With --patches, ROOT has images with index masks, and
the class of a patch is that of the pixel in its middle.

Examples:
  tools/make_crops.py BCCD CROPS --size 64 --context 1.2 --max-per-class 200
  tools/make_crops.py CAMVID PATCHES --patches --side 64 --size 48 --classes Sky Building Pole ...
"""

import argparse
from collections.abc import Callable

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.data.crops.objects import make_crops
from msa_backbone.data.crops.patches import make_patches

OF_OBJECTS, OF_PATCHES = ("context", "min_side", "max_per_class"), ("side", "per_image")


def check_options(args: argparse.Namespace, default: Callable[[str], object]) -> None:
    """Raise ValueError for an option that would be ignored.

    Args:
        args: the options.
        default: what an option is if it is not given.
    """
    if args.patches:
        others, mend = OF_OBJECTS, "objects: leave it out, or --patches"
    else:
        others, mend = OF_PATCHES, "patches: leave it out, or add --patches"
    for name in others:
        if getattr(args, name) != default(name):
            raise ValueError(f"--{name.replace('_', '-')} is for {mend}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", help="boxes or instances; with --patches, images with index masks")
    parser.add_argument("out", help="the folder to make")
    parser.add_argument("--size", type=int, default=64, help="side of the pictures (default: 64)")
    parser.add_argument("--classes", nargs="+", help="the classes to keep; of masks, all in order")
    parser.add_argument("--seed", type=int, default=0, help="what is drawn at random")
    boxes = parser.add_argument_group("objects")
    boxes.add_argument(
        "--context", type=float, default=1.0, help="cut so many lengths of the box (default: 1)"
    )
    boxes.add_argument("--min-side", type=float, default=8, help="smallest box (default: 8 pixels)")
    boxes.add_argument("--max-per-class", type=int, help="of each split")
    masks = parser.add_argument_group("patches")
    masks.add_argument("--patches", action="store_true", help="of images with index masks")
    masks.add_argument("--side", type=int, default=64, help="pixels to cut out (default: 64)")
    masks.add_argument(
        "--per-image", type=int, default=2, help="patches of a class in an image (default: 2)"
    )
    args = parser.parse_args()
    left_out: dict = {}
    with one_line_errors():
        check_options(args, parser.get_default)
        if args.patches:
            counts = make_patches(
                args.root, args.out, args.side, args.size, args.per_image, args.classes, args.seed
            )
        else:
            counts, left_out = make_crops(
                *(args.root, args.out, args.size, args.context, args.min_side),
                *(args.max_per_class, args.classes, args.seed),
            )
    print(f"Pictures of {args.size}x{args.size} in {args.out}")
    for split, pictures in counts.items():
        by_class = ", ".join(f"{name} {count}" for name, count in sorted(pictures.items()))
        print(f"  {split}: {pictures.total()} ({by_class})")
        for reason, count in left_out.get(split, {}).items():
            print(f"    left out: {count} {reason}")


if __name__ == "__main__":
    main()
