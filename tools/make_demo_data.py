"""Write the embedded demo data: digits over photographs, as COCO, VOC and segmentation data."""

import argparse

from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.data.demo.scenes import make_demo_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default="data/demo", help="the folder to write")
    parser.add_argument(
        "--pairs", action="store_true", help="seen by two cameras, visible and infrared"
    )
    parser.add_argument("--num-train", type=int, default=480, help="training images")
    parser.add_argument("--num-val", type=int, default=80, help="validation images")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same images")
    args = parser.parse_args()
    try:
        make = make_demo_pairs if args.pairs else make_demo_data
        root = make(args.root, args.num_train, args.num_val, seed=args.seed)
    except (ValueError, OSError, ImportError) as error:
        parser.exit(1, f"error: {error}\n")
    print(f"Demo data in {root}: {args.num_train} train and {args.num_val} val images")


if __name__ == "__main__":
    main()
