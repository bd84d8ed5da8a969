"""Make a subset of data that represents it, as COCO, VOC or YOLO, with hard-linked images.

Examples:
  tools/make_subset.py coco COCO OUT --fraction 0.1 --whole val
  tools/make_subset.py voc COCO OUT --number 500 --classes person dog
  tools/make_subset.py yolo VOC OUT --fraction 1
"""

import argparse
import math
from pathlib import Path

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.classes import require_read
from msa_backbone.data.detection.find import LAYOUTS, find_detection_data
from msa_backbone.data.formats.voc_masks import with_masks
from msa_backbone.data.formats.write_coco import IMAGE_MODES, write_coco_data
from msa_backbone.data.formats.write_voc import write_voc_data
from msa_backbone.data.formats.yolo.write import write_yolo_data
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.subset.choose import STAMP, choose_subset, describe, is_made, stamp
from msa_backbone.files.whole_files import complete_folder
from msa_backbone.progress import progress_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"layouts of ROOT:\n\n{LAYOUTS}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("form", choices=["coco", "voc", "yolo"], help="what to write")
    parser.add_argument("root", metavar="ROOT", help="the full data")
    parser.add_argument("out", metavar="OUT", type=Path, help="a new folder for the subset")
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--fraction", type=float, help="of the images of every split")
    size.add_argument("--number", type=int, help="of training images; other splits shrink alike")
    parser.add_argument("--whole", nargs="+", default=[], metavar="SPLIT", help="kept whole")
    parser.add_argument("--classes", nargs="+", help="these only")
    parser.add_argument("--min-objects", type=int, default=1, help="of every class (default: 1)")
    parser.add_argument(
        "--area",
        nargs=2,
        type=float,
        default=(0, math.inf),
        metavar=("MIN", "MAX"),
        help="of the objects to keep, in square pixels; MAX may be inf",
    )
    parser.add_argument("--seed", type=int, default=0, help="same seed, same subset (default: 0)")
    parser.add_argument(
        "--images",
        choices=IMAGE_MODES,
        default="link",
        help="hard links (default), copies, or a json that lists the images where they are",
    )
    parser.add_argument("--reindex", action="store_true", help="number COCO categories from 1 on")
    parser.add_argument("--semantic", action="store_true", help="COCO: also write index masks")
    return parser.parse_args()


def make(args: argparse.Namespace) -> None:
    if args.form != "coco" and (args.reindex or args.semantic):
        raise ValueError(
            "--reindex and --semantic serve COCO; VOC and YOLO get masks where there are any"
        )
    if args.semantic and args.images == "list":
        raise ValueError("--semantic puts masks beside the images: choose --images link or copy")
    found = find_detection_data(args.root, args.classes)
    data = require_read(with_masks(found))
    options = {**vars(args), "root": None, "out": None, "area": [str(limit) for limit in args.area]}
    mark = stamp(data, options)
    if is_made(args.out, mark, Path(args.root)):
        print(f"{args.out} is complete already")
        return
    subset, reports = choose_subset(
        data, args.fraction, args.number, args.whole, args.min_objects, tuple(args.area), args.seed
    )
    print(describe(reports))
    left_behind = list(data.notes[len(found.notes) :])
    for note in subset.notes:
        print(f"  {note}")
    with complete_folder(args.out) as folder:
        progress = progress_line()
        if args.form == "coco":
            write_coco_data(subset, folder, args.images, args.reindex, args.semantic, progress)
        else:
            write = {"voc": write_voc_data, "yolo": write_yolo_data}[args.form]
            left_behind += write(subset, folder, args.images, progress)
        (folder / STAMP).write_bytes(mark)
        check_detection_data(find_detection_data(folder), 0)  # is sound, or does not appear
        if args.semantic:
            find_segmentation_data(folder)
    for note in left_behind:
        print(f"  {note}")
    print(f"Train on it with --data {args.out}")


def main() -> None:
    args = parse_args()
    with one_line_errors():
        make(args)


if __name__ == "__main__":
    main()
