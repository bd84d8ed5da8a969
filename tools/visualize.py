"""See what a trained model's attention sees.

  responses  on images: responses of the three scales, the spatial gate, what attention adds; of
             several cameras, the gate of each and what it adds
  cam        on images: class activation maps of boxes, of segmented classes, or of classes
  questions  on images: the spatial gate for each of several questions
  channels   over the test data: channel weights, ranked, and the score without some of them
  words      over the test data: how much of what a question's words change is on what it names

Examples:
  tools/visualize.py responses CONFIG CHECKPOINT pictures/*.jpg --out work_dirs/look
  tools/visualize.py cam CONFIG CHECKPOINT picture.jpg --method eigen-cam --most 3
  tools/visualize.py questions CONFIG CHECKPOINT zoo.jpg --question "is it day?" "where is it?"
  tools/visualize.py channels CONFIG CHECKPOINT --data ROOT --shares 0.1 0.5
  tools/visualize.py words CONFIG CHECKPOINT --most 400
"""

import argparse
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DATASETS

from msa_backbone.cli.arguments import add_config_options, add_sensor_options
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import apply_options, load_config
from msa_backbone.config.modalities.sensors import switch_sensors
from msa_backbone.config_nodes import innermost
from msa_backbone.files.loaded_modalities import loaded_modalities
from msa_backbone.files.whole_files import write_whole
from msa_backbone.inference.explain.methods import METHODS
from msa_backbone.inference.paired_inputs import paired_inputs
from msa_backbone.inference.sources import find_sources
from msa_backbone.plots.channel_weights import plot_channel_weights
from msa_backbone.plots.heatmaps import save_heatmaps
from msa_backbone.scores import headline
from msa_backbone.tasks import Task, task_of
from msa_backbone.training.console import quiet_libraries


def look_at_images(args: argparse.Namespace) -> None:
    """Save a picture of maps for every image."""
    from msa_backbone.inference.answers import check_questions  # imports torch, as all of these
    from msa_backbone.inference.explain.activation_maps import require_grad_cam
    from msa_backbone.inference.explain.explainer import Explainer
    from msa_backbone.inference.explain.question_gates import question_heatmaps
    from msa_backbone.inference.predictor import Predictor

    cfg = load_config(args.config, str(args.out), args.cfg_options)
    lines = switch_sensors(cfg, args.sensors, args.black)
    apply_options(cfg, args.cfg_options)
    inputs = paired_inputs(cfg, args.images, args.others)
    modalities = loaded_modalities(cfg, "test_dataloader")
    images, streams = find_sources(inputs, modalities=modalities)
    if streams:
        raise ValueError(f"{streams[0].source}: maps are drawn of images, not of videos")
    for line in lines:
        print(line)
    if args.what == "questions":
        check_questions(cfg, args.question)
    elif args.what == "cam":
        require_grad_cam()
        if not task_of(cfg).has_classes:
            raise ValueError("cam explains boxes, segments and classes; see `questions`")
    predictor = Predictor(cfg, args.checkpoint, args.device, getattr(args, "question", ()))
    for image in images:
        file = args.out / f"{image.name}.{args.what}.png"
        if args.what == "questions":
            picture = predictor.read(image.path)
            rows = question_heatmaps(predictor, picture)
            save_heatmaps(predictor.views(picture), rows, file, title=image.name)
            print(f"{image.name}: {sum(map(len, rows))} maps in {file}", flush=True)
            continue
        explainer = Explainer(predictor, predictor.read(image.path))
        if args.what == "responses":
            rows = explainer.response_heatmaps()
        else:
            chosen = (args.method, args.stages, args.score_thr, args.most)
            maps = explainer.subject_heatmaps(*chosen)
            rows = [maps[at : at + 3] for at in range(0, len(maps), 3)]
        save_heatmaps(explainer.views, rows, file, title=image.name)
        print(f"{image.name}: {sum(map(len, rows))} maps in {file}", flush=True)


def look_at_channels(args: argparse.Namespace) -> None:
    """Rank channels by their average gate, and test without some of them."""
    from msa_backbone.inference.explain.channel_study import (  # imports torch
        channel_gates,
        importance_table,
        least_and_most_important,
        masked,
        weights_and_scores,
    )
    from msa_backbone.training.tool_runner import ToolRunner

    for share in args.shares:
        if not 0 < share <= 1:
            raise ValueError(f"--shares {share}: give 0 < share <= 1")
    runner = ToolRunner.from_cfg(_testing_config(args))
    gates = channel_gates(runner.model)
    weights, scores = weights_and_scores(runner, gates)
    metric = headline(scores, args.metric)
    plot_channel_weights(
        {name: (gate.mean.numpy(), gate.deviation.numpy()) for name, gate in weights.items()},
        args.out / "channels.png",
    )
    without = {}
    for share in args.shares:
        without[share] = []
        for left_out in least_and_most_important(weights, share):
            with masked(gates, left_out):
                without[share].append(runner.test()[metric])
    table = importance_table(scores[metric], without, metric)
    write_whole(args.out / "channels.md", table + "\n")
    print(table)


def look_at_words(args: argparse.Namespace) -> None:
    """How much of what words change lies on what they name."""
    from msa_backbone.inference.explain.word_places import (  # imports torch
        looking_table,
        measure_looking,
        named_once,
    )
    from msa_backbone.inference.predictor import Predictor

    if args.most < 2:
        raise ValueError(f"--most {args.most}: give 2 or more, each is asked about the next's too")
    cfg = _testing_config(args)
    if task_of(cfg) is not Task.QUESTIONS:
        raise ValueError("words are those of questions: give a config that answers them")
    source = innermost(cfg.test_dataloader.dataset)[0]
    predictor = Predictor(cfg, args.checkpoint, args.device)
    data = DATASETS.build({**source, "pipeline": []})
    samples = [data.get_data_info(number) for number in range(len(data))]
    table = looking_table(measure_looking(predictor, named_once(samples, args.most)))
    write_whole(args.out / "words.md", table + "\n")
    print(table)


def _testing_config(args: argparse.Namespace) -> Config:
    """The config, ready to run over the test data; what was found is printed."""
    from msa_backbone.training.prepare import prepare_testing  # imports torch

    cfg = load_config(args.config, str(args.out), args.cfg_options)
    for line in prepare_testing(
        cfg,
        args.checkpoint,
        data=args.data,
        classes=getattr(args, "classes", None),
        options=args.cfg_options,
    ):
        print(line, flush=True)
    return cfg


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    names = ("responses", "cam", "questions", "channels", "words")
    commands = [what.add_parser(name) for name in names]
    responses, cam, questions, channels, words = commands
    for command in commands:
        command.add_argument("config", help="the config of the training")
        command.add_argument("checkpoint", help="what it was trained to")
        command.add_argument("--out", type=Path, default=Path("work_dirs/visualize"))
        add_config_options(command)
    for command in (responses, cam, questions, words):
        command.add_argument("--device", default="cpu")
    for command in (responses, cam, questions):
        command.add_argument("images", nargs="+", help="files, folders, patterns")
        command.add_argument("--others", nargs="+", metavar="DIR", help="as in tools/predict.py")
        add_sensor_options(command)
    questions.add_argument("--question", nargs="+", required=True, help="one or more")
    cam.add_argument("--method", choices=METHODS, help="by default fits what is explained")
    cam.add_argument("--stages", nargs="+", type=int, help="of the backbone, from 0")
    cam.add_argument("--most", type=int, default=5, help="predictions (default: 5)")
    cam.add_argument("--score-thr", type=float, default=0.3, help="of boxes (default: 0.3)")
    for command in (channels, words):
        command.add_argument("--data", metavar="ROOT", help="as in tools/test.py")
    channels.add_argument("--classes", nargs="+", help="with --data: as in tools/test.py")
    for command in (responses, cam, questions):
        command.set_defaults(run=look_at_images)
    channels.set_defaults(run=look_at_channels)
    words.set_defaults(run=look_at_words)
    words.add_argument("--most", type=int, default=400, help="questions (default: 400)")
    channels.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.25, 0.5, 1.0])
    channels.add_argument("--metric", help="the score that is compared, as the log names it")
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with quiet_libraries(), one_line_errors():
        args.run(args)


if __name__ == "__main__":
    main()
