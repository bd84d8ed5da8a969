"""Check a folder of detection or segmentation data: every defect with its file and reason.

Ends with exit code 1 if there is an error that would stop or spoil a training. --fix OUT writes a
repaired copy, images included, and says what it changed; ROOT is never touched. --config CONFIG
checks the pictures of all modalities that a config loads.
"""

import argparse
import sys
from pathlib import Path

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import load_config
from msa_backbone.config.modalities.check import check_modalities
from msa_backbone.data.detection.boxes import BOX_FORMS
from msa_backbone.data.detection.check import FATAL, detection_defects
from msa_backbone.data.detection.find import LAYOUTS, find_detection_data
from msa_backbone.data.detection.repair import repair
from msa_backbone.data.folders import require_outside
from msa_backbone.data.formats.detection_annotations import DetectionData
from msa_backbone.data.formats.instance_masks import without_segmentation
from msa_backbone.data.formats.voc_masks import with_masks
from msa_backbone.data.formats.write_coco import write_coco_data
from msa_backbone.data.formats.write_voc import write_voc_data
from msa_backbone.data.formats.yolo.write import write_yolo_data
from msa_backbone.data.modalities.check import modality_defects
from msa_backbone.data.modalities.find import MODALITY_LAYOUT, describe, with_folders
from msa_backbone.data.segmentation.check import mask_defects
from msa_backbone.data.segmentation.find import (
    SEGMENTATION_LAYOUTS,
    SegmentationData,
    find_segmentation_data,
)
from msa_backbone.data.segmentation.repair import write_repaired
from msa_backbone.errors import DataError, printable
from msa_backbone.files.loaded_modalities import loaded_modalities
from msa_backbone.files.modality_files import Modality
from msa_backbone.files.whole_files import complete_folder, require_absent
from msa_backbone.progress import progress_line


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"layouts of ROOT:\n\nboxes and instances\n{LAYOUTS}\n\nsemantic masks (--masks)\n"
        f"{SEGMENTATION_LAYOUTS}\n\nseveral cameras (--config)\n{MODALITY_LAYOUT}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("root", metavar="ROOT", help="the data")
    parser.add_argument("--masks", action="store_true", help="check index masks, not boxes")
    parser.add_argument("--classes", nargs="+", help="these only; of masks, every value's name")
    parser.add_argument("--config", help="a config that loads several modalities: check them all")
    parser.add_argument(
        "--fix", metavar="OUT", type=Path, help="a new folder for a repaired copy, images included"
    )
    return parser.parse_args()


def check(args: argparse.Namespace) -> int:
    """Print what was found; return the number of errors."""
    modalities = modalities_of_config(args.config) if args.config else ()
    if args.masks:
        data = find_segmentation_data(args.root, args.classes, False, modalities)
    else:
        data = find_detection_data(args.root, args.classes, True, modalities)
    if args.fix:
        if modalities:
            raise ValueError("--fix mends the data of one camera: leave --config out")
        if args.masks and data.instances is not None:
            raise ValueError("--fix mends instances without --masks: leave it out")
        require_outside(args.fix, Path(args.root))
        require_absent(args.fix)
    print(f"Data from {data.root}")
    for note in data.notes:
        print(printable(f"  {note}"))
    if args.masks and data.instances is None:
        errors, warnings = mask_defects(data, progress_line(), float("inf"))
    else:
        boxes = data.instances if args.masks else data
        defects = detection_defects(
            boxes, float("inf"), progress_line(), thorough=True, crowds=args.masks
        )
        splits = with_masks(boxes).splits.items()
        errors = [f"{name}: {line}" for name, split in splits for line in split.unread]
        errors += [f"{d.split}: {d}" for d in defects if d.kind in FATAL]
        warnings = [f"{d.split}: {d}" for d in defects if d.kind not in FATAL]
        if args.masks:
            errors += without_segmentation(boxes)
    if modalities and any(data.image_files.values()):  # or no record could be read
        placed = with_folders(data.root, data.image_files, modalities)
        wrong, paired = modality_defects(data.image_files, placed, progress_line(), float("inf"))
        errors += wrong
        print(*(f"  {note}" for note in (describe(data.root, placed), *paired)), sep="\n")
    for line in errors:
        print(printable(f"error: {line}"))
    for line in warnings:
        print(printable(f"warning: {line}"))
    print(f"{len(errors)} errors, {len(warnings)} warnings")
    if args.fix and args.masks:
        fix_masks(data, args.fix)
    elif args.fix:
        for form in (defect for defect in defects if defect.kind in BOX_FORMS):
            raise DataError(f"{form}, as --fix mends single boxes only")
        fix(data, args.fix)
    return len(errors)


def modalities_of_config(config: str) -> tuple[Modality, ...]:
    """The modalities that training with a config loads."""
    cfg = load_config(config, None, {})
    check_modalities(cfg)
    modalities = loaded_modalities(cfg)
    if not modalities:
        raise ValueError(f"--config {config}: loads one camera (no LoadModalities): leave it out")
    return modalities


def fix(data: DetectionData, out: Path) -> None:
    """Write the repaired copy, in the form that the data have, or as COCO."""
    masked = with_masks(data)
    repaired, changes = repair(masked, progress_line())
    changes += masked.notes[len(data.notes) :]
    with complete_folder(out) as folder:
        write = {"voc": write_voc_data, "yolo": write_yolo_data}.get(data.format, write_coco_data)
        changes += write(repaired, folder, images="copy") or []
        left = detection_defects(find_detection_data(folder), thorough=True)
    print(f"Repaired copy in {out}:")
    for change in changes:
        print(printable(f"  {change}"))
    print(f"  {len(changes)} changes")
    for defect in left:
        print(f"  not mended: {defect}".replace(str(folder), str(out)))


def fix_masks(data: SegmentationData, out: Path) -> None:
    """Write a copy with sound pairs of images and index masks."""
    with complete_folder(out) as folder:
        changes = write_repaired(data, folder, progress_line())
        left, _ = mask_defects(find_segmentation_data(folder))
    print(f"Repaired copy in {out}:")
    for change in changes:
        print(printable(f"  {change}"))
    print(f"  {len(changes)} changes")
    for line in left:
        print(f"  not mended: {line}".replace(str(folder), str(out)))


def main() -> None:
    args = parse_args()
    with one_line_errors():
        errors = check(args)
    sys.exit(1 if errors else 0)


if __name__ == "__main__":
    main()
