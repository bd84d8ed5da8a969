"""Predict with a trained model on images, folders, patterns, videos or a camera.

OUT gets drawn pictures, and predictions.json: COCO's form for boxes and instances, the class of
each image for a classifier, answers to --question, captions; a segmenter's index masks are in
OUT/masks. A video gives OUT/NAME.mp4 and OUT/NAME.json; Ctrl-C ends it, and what was predicted
until then is kept. Files that cannot be read are listed at the end; the exit code is then 1.

Of several cameras, the inputs are the pictures of the first; those of the others lie beside them,
as in training, or in the folders of --others.

Examples:
  tools/predict.py CONFIG CHECKPOINT holiday/ cats/*.jpg --out work_dirs/predictions
  tools/predict.py CONFIG CHECKPOINT street.mp4 --score-thr 0.5 --device cuda
  tools/predict.py CONFIG CHECKPOINT 0 --max-frames 300
  tools/predict.py CONFIG CHECKPOINT zoo.jpg --question "how many zebras are there?" "is it day?"
  tools/predict.py CONFIG CHECKPOINT night/visible/ --others night/infrared/
"""

import argparse
import sys
from contextlib import closing
from pathlib import Path

import msa_backbone  # noqa: F401  (registers the backbone, serves mmcv's ops)
from msa_backbone.cli.arguments import add_config_options, add_sensor_options, require_at_least
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.cli.progress import print_steps
from msa_backbone.config.load import apply_options, load_config
from msa_backbone.config.modalities.sensors import switch_sensors
from msa_backbone.inference.answers import check_questions
from msa_backbone.inference.draw_predictions import PredictionDrawer
from msa_backbone.inference.paired_inputs import paired_inputs
from msa_backbone.inference.predict_images import predict_images
from msa_backbone.inference.predict_videos import predict_video
from msa_backbone.inference.predictor import Predictor
from msa_backbone.inference.result_names import video_names
from msa_backbone.inference.sources import find_sources


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="the config of the training")
    parser.add_argument("checkpoint", help="what it was trained to")
    parser.add_argument("inputs", nargs="+", help="files, folders, patterns, numbers of cameras")
    parser.add_argument("--out", type=Path, default=Path("work_dirs/predictions"))
    parser.add_argument("--batch-size", type=int, default=1, help="pictures at a time (default: 1)")
    parser.add_argument("--score-thr", type=float, default=0.3, help="lowest score (default: 0.3)")
    parser.add_argument("--device", default="cpu", help="such as cuda:0 (default: cpu)")
    parser.add_argument(
        "--max-side", type=int, default=1920, help="longer side of drawn pictures (default: 1920)"
    )
    parser.add_argument("--max-frames", type=int, help="of each video or camera")
    parser.add_argument(
        "--others", nargs="+", metavar="DIR", help="several cameras: a folder for each other one"
    )
    parser.add_argument("--question", nargs="+", default=(), help="of every picture, one or more")
    add_sensor_options(parser)
    add_config_options(parser)
    return parser.parse_args()


def predict(args: argparse.Namespace) -> list[str]:
    """Predict on everything and print how it goes; return what failed, with the reasons."""
    require_at_least(1, args, "batch_size", "max_side", "max_frames")
    cfg = load_config(args.config, str(args.out), args.cfg_options)
    sensors = switch_sensors(cfg, args.sensors, args.black)
    apply_options(cfg, args.cfg_options)
    images, streams = find_sources(paired_inputs(cfg, args.inputs, args.others))
    for line in sensors:
        print(line)
    check_questions(cfg, args.question)
    predictor = Predictor(cfg, args.checkpoint, args.device, args.question)
    draw = PredictionDrawer(predictor, cfg, args.score_thr, args.max_side)
    failed = []
    if images:
        failed += print_steps(predict_images(predictor, draw, images, args.out, args.batch_size))
    names = video_names([stream.name for stream in streams])
    for stream, name in zip(streams, names, strict=True):
        steps = predict_video(
            predictor, draw, stream, name, args.out, args.batch_size, args.max_frames
        )
        try:
            with closing(steps):
                print_steps(steps)
        except KeyboardInterrupt:
            print(f"{stream.name}: stopped", flush=True)
        except ValueError as error:
            failed.append(str(error))
    total = len(images) + len(streams)
    print(f"{total - len(failed)} of {total} predicted, results in {args.out}")
    return failed


def main() -> None:
    args = parse_args()
    with one_line_errors():
        failed = predict(args)
    if failed:
        sys.exit("\n".join(["not predicted:", *(f"  {line}" for line in failed)]))


if __name__ == "__main__":
    main()
