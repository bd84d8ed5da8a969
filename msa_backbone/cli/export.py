"""Export a trained model to one file, from picture to result, for ONNX Runtime or OpenVINO.

The file takes a picture as a decoder gives it, RGB, uint8, (1, height, width, 3), of any size. It
resizes, normalises, detects and suppresses by itself:

  detection               boxes (K, 4) in the picture's pixels, scores (K), labels (K)
  instance segmentation   these and masks (K, 28, 28): probabilities inside each box
  semantic segmentation   classes (N, height, width), logits (N, classes, height, width)
  classification          scores and logits (N, classes)
  questions               scores and logits (questions, answers)

Of several cameras it takes a picture each, by their names, and `present`, flags of those that are
there. With --dtype float32, the default where a camera has unknown places or a mean beyond 0 to
255, they may have any depth; 0, NaN and infinity are places of a depth camera that were not
measured. Questions come as `tokens`, numbers of words. A model of captions writes in a loop, which
is not exported.
Names of classes, answers and cameras, vocabulary, thresholds and the form of the input are in its
metadata.

Examples:
  tools/export.py CONFIG CHECKPOINT --out model.onnx
  tools/export.py CONFIG CHECKPOINT --out camera.onnx --size 480 640
  tools/export.py CONFIG CHECKPOINT --format openvino --out model.xml
  tools/export.py CONFIG CHECKPOINT --int8 DATA --out small.onnx
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from ..config.load import apply_options, load_config
from ..export.required_packages import EXPORTING
from ..files.whole_files import write_whole
from ..packages import require_packages
from ..training.console import quiet_libraries
from .arguments import add_config_options
from .errors import one_line_errors

LEAST_SIDE = 32
FORMATS = {"onnx": ".onnx", "openvino": ".xml"}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="the config of the training")
    parser.add_argument("checkpoint", help="what it was trained to")
    parser.add_argument("--out", type=Path, required=True, help="the file, such as model.onnx")
    parser.add_argument(
        "--size",
        nargs=2,
        type=int,
        metavar=("HEIGHT", "WIDTH"),
        help="of all pictures that the file will see; by default it takes any",
    )
    parser.add_argument(
        "--dtype",
        choices=("uint8", "float32"),
        help="of several cameras' pictures; by default float32 where a camera has unknown places, "
        "or a mean that 8 bits do not have",
    )
    parser.add_argument(
        "--format", choices=FORMATS, default="onnx", help="openvino: by OpenVINO's own converter"
    )
    parser.add_argument(
        "--int8",
        metavar="DATA",
        help="8-bit weights and features, their ranges from this folder's train pictures; the loss "
        "of score on its test or val pictures is told, and fewer parts are quantised above a point",
    )
    parser.add_argument("--classes", nargs="+", help="with --int8: of its data, as in training")
    add_config_options(parser)
    return parser.parse_args()


def read_config(args: argparse.Namespace) -> Config:
    cfg = load_config(args.config, None, args.cfg_options)
    apply_options(cfg, args.cfg_options)
    return cfg


def export(args: argparse.Namespace) -> list[str]:
    """Write the file; return what to tell the user."""
    openvino = ["openvino"] if args.format == "openvino" else []
    require_packages("the export", [*EXPORTING, *openvino])
    from ..export.to_onnx import export_onnx
    from ..export.to_openvino import convert_to_openvino

    suffix = FORMATS[args.format]
    if args.int8 and args.format != "onnx":
        raise ValueError(
            "--int8 is measured with ONNX Runtime, and OpenVINO rounds otherwise: leave "
            "--format out"
        )
    if args.classes and not args.int8:
        raise ValueError("--classes goes with --int8: the checkpoint has its classes")
    if args.size and min(args.size) < LEAST_SIDE:
        raise ValueError(f"--size {args.size[0]} {args.size[1]}: give {LEAST_SIDE} or more a side")
    if args.out.suffix != suffix:
        raise ValueError(f"--out {args.out}: give a name that ends in {suffix}")
    lines = []
    with TemporaryDirectory() as folder:
        file = Path(folder, "model.onnx")
        info = export_onnx(read_config(args), args.checkpoint, file, args.size, args.dtype)
        if args.int8:
            from ..export.quantise import quantise_for

            whole, file = file, Path(folder, "int8.onnx")
            lines = quantise_for(lambda: read_config(args), whole, file, args.int8, args.classes)
        megabytes = file.stat().st_size / 1e6
        if args.format == "openvino":
            convert_to_openvino(file, info, args.out)
        else:
            write_whole(args.out, file.read_bytes())
    size = "x".join(map(str, args.size)) if args.size else "any size"
    return [
        *lines,
        f"{args.out}: {info.model} for {info.task}, {len(info.classes)} classes, "
        f"{megabytes:.1f} MB, pictures of {size}" + (f", {info.dtype}" if info.modalities else ""),
    ]


def main() -> None:
    args = parse_args()
    with quiet_libraries(), one_line_errors():
        for line in export(args):
            print(line)
