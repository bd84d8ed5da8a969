"""Predict with a trained model on images, folders, patterns, videos or a camera.

The model is an exported file, which needs no torch and no config, or a checkpoint with its config,
which is found beside it or named before it. OUT gets drawn pictures, and predictions.json: COCO's
form for boxes and instances, the class of each image for a classifier, answers to --question,
captions; a segmenter's index masks are in OUT/masks. A video gives OUT/NAME.mp4 and OUT/NAME.json.
What was predicted before Ctrl-C is kept. Files that cannot be read are listed at the end; the exit
code is then 1.

Of several cameras, the inputs are the pictures of the first; those of the others lie beside them,
as in training, or in the folders of --others.

Examples:
  tools/predict.py model.onnx holiday/ cats/*.jpg --out work_dirs/predictions
  tools/predict.py work_dirs/x/epoch_5.pth holiday/
  tools/predict.py CONFIG CHECKPOINT street.mp4 --score-thr 0.5 --device cuda
  tools/predict.py CONFIG CHECKPOINT 0 --max-frames 300
  tools/predict.py model.onnx satellite.jpg --tiles 640 --overlap 0.2
  tools/predict.py CONFIG CHECKPOINT zoo.jpg --question "how many zebras are there?" "is it day?"
  tools/predict.py CONFIG CHECKPOINT night/visible/ --others night/infrared/
"""

import argparse
import sys
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from ..export.runtime.sessions import SUFFIXES
from ..inference.pairs import pair_inputs
from ..inference.predict_images import predict_images
from ..inference.predict_videos import predict_video
from ..inference.result_names import video_names
from ..inference.sources import find_sources
from ..model import SCORE, Model, config_beside, load
from ..results.prediction_files import Output
from ..results.tiles import OVERLAP, Tiled
from .arguments import add_config_options, add_sensor_options, require_at_least
from .errors import one_line_errors
from .progress import print_steps

CHECKPOINTS = (".pth", ".pt")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "named",
        nargs="+",
        metavar="FILE",
        help="the model (model.onnx, CHECKPOINT, or CONFIG CHECKPOINT), then what it looks at: "
        "pictures, folders, patterns, numbers of cameras",
    )
    parser.add_argument("--out", type=Path, default=Path("work_dirs/predictions"))
    parser.add_argument("--batch-size", type=int, default=1, help="pictures at a time (default: 1)")
    parser.add_argument(
        "--score-thr",
        type=float,
        help="lowest score; by default what tools/find_thresholds.py found for each class, or "
        f"{SCORE}",
    )
    parser.add_argument("--device", default="cpu", help="of a checkpoint, such as cuda:0")
    parser.add_argument(
        "--max-side", type=int, default=1920, help="longer side of drawn pictures (default: 1920)"
    )
    parser.add_argument("--max-frames", type=int, help="of each video or camera")
    parser.add_argument(
        "--tiles", type=int, metavar="SIDE", help="predict large pictures in tiles, and join them"
    )
    parser.add_argument(
        "--overlap",
        type=float,
        help=f"of the tiles, as a part: as wide as the largest object or more (default: {OVERLAP})",
    )
    parser.add_argument(
        "--others", nargs="+", metavar="DIR", help="several cameras: a folder for each other one"
    )
    parser.add_argument("--question", nargs="+", default=(), help="of every picture, one or more")
    add_sensor_options(parser)
    if find_spec("mmengine"):
        add_config_options(parser)
    args = parser.parse_intermixed_args()
    named = list(args.named)
    args.config = None if named[0].endswith((*SUFFIXES, *CHECKPOINTS)) else named.pop(0)
    if len(named) < 2:
        parser.error("name the model, then what to predict on")
    args.model, *args.inputs = named
    return args


def open_file(args: argparse.Namespace) -> tuple[Model, list[str]]:
    """An exported file, ready for the inputs; and the inputs."""
    if args.black or getattr(args, "cfg_options", None):
        raise ValueError("--black and --cfg-options change the model, and this one is exported")
    model = load(args.model, device=args.device)
    known = [modality.name for modality in model.source.modalities]
    if wrong := [name for name in args.sensors or () if name not in known]:
        raise ValueError(f"--sensors {wrong[0]}: the model has {', '.join(known) or 'one camera'}")
    absent = [name for name in known if name not in (args.sensors or known)]
    inputs, placed = pair_inputs(model.source.modalities, absent, args.inputs, args.others)
    found = {modality.name: modality for modality in placed}
    model.source.absent = absent
    model.source.modalities = [found.get(m.name, m) for m in model.source.modalities]
    return model, inputs


def open_checkpoint(args: argparse.Namespace) -> tuple[Model, list[str], list[str]]:
    """A checkpoint, ready for the inputs; the inputs; and lines for the user."""
    from ..config.load import apply_options, load_config
    from ..config.modalities.sensors import switch_sensors
    from ..inference.answers import check_questions
    from ..inference.checkpoint_model import CheckpointModel
    from ..inference.paired_inputs import paired_inputs
    from ..inference.predictor import Predictor

    config = args.config or str(config_beside(Path(args.model)))
    cfg = load_config(config, str(args.out), args.cfg_options)
    lines = switch_sensors(cfg, args.sensors, args.black)
    apply_options(cfg, args.cfg_options)
    inputs = paired_inputs(cfg, args.inputs, args.others)
    find_sources(inputs)  # what names nothing is told before the model is built
    check_questions(cfg, args.question)
    predictor = Predictor(cfg, args.model, args.device, args.question)
    return Model(CheckpointModel(predictor)), inputs, lines


def predict(args: argparse.Namespace) -> list[str]:
    """Predict on everything and print how it goes; return what failed, with the reasons."""
    require_at_least(1, args, "batch_size", "max_side", "max_frames", "tiles")
    if args.overlap is not None and args.tiles is None:
        raise ValueError("--overlap is of tiles: give --tiles SIDE, or leave it out")
    if args.model.endswith(SUFFIXES):
        lines, (model, inputs) = [], open_file(args)
    else:
        model, inputs, lines = open_checkpoint(args)
    images, streams = find_sources(inputs, args.out, model.source.modalities)
    print("\n".join(lines), end="\n" * bool(lines))
    source = model.asking(args.question)
    output = Output(args.out, model.least(args.score_thr), args.max_side)
    if args.tiles:
        overlap = OVERLAP if args.overlap is None else args.overlap
        source = Tiled(source, args.tiles, overlap, output.least)
    failed = []
    names = video_names([stream.name for stream in streams])
    try:
        if images:
            with closing(predict_images(source, output, images, args.batch_size)) as steps:
                failed += print_steps(steps)
        for stream, name in zip(streams, names, strict=True):
            steps = predict_video(source, output, stream, name, args.batch_size, args.max_frames)
            try:
                with closing(steps):
                    print_steps(steps)
            except ValueError as error:
                failed.append(str(error))
    except KeyboardInterrupt:
        sys.exit(f"stopped; what was predicted until then is in {args.out}")
    total = len(images) + len(streams)
    print(f"{total - len(failed)} of {total} predicted, results in {args.out}")
    return failed


def main() -> None:
    args = parse_args()
    with one_line_errors():
        failed = predict(args)
    if failed:
        sys.exit("\n".join(["not predicted:", *(f"  {line}" for line in failed)]))
