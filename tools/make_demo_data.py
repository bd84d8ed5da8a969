"""Write the embedded demo data: digits over photographs, as COCO, VOC and segmentation data.

Other forms: two cameras, or questions and captions.
"""

import argparse

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.data.demo.questions import make_demo_questions
from msa_backbone.data.demo.scenes import make_demo_data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", nargs="?", default="data/demo", help="the folder to write")
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--pairs", action="store_true", help="seen by two cameras, visible and infrared"
    )
    kind.add_argument(
        "--questions", action="store_true", help="small pictures with questions and captions"
    )
    parser.add_argument("--num-train", type=int, help="training images (default: 400, or 8000)")
    parser.add_argument("--num-val", type=int, help="validation images (default: 80, or 240)")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same images")
    args = parser.parse_args()
    make, num_train, num_val = make_demo_data, 400, 80
    if args.pairs:
        make = make_demo_pairs
    elif args.questions:
        make, num_train, num_val = make_demo_questions, 8000, 240
    num_train = num_train if args.num_train is None else args.num_train
    num_val = num_val if args.num_val is None else args.num_val
    with one_line_errors():
        root = make(args.root, num_train, num_val, seed=args.seed)
    print(f"Demo data in {root}: {num_train} train and {num_val} val images")


if __name__ == "__main__":
    main()
