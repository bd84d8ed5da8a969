"""See what a trained model's attention sees.

  responses  on images: responses of the three scales, the spatial gate, what attention adds
  cam        on images: class activation maps of boxes, of segmented classes, or of classes
  channels   over the test data: channel weights, ranked, and the score without some of them

Examples:
  tools/visualize.py responses CONFIG CHECKPOINT pictures/*.jpg --out work_dirs/look
  tools/visualize.py cam CONFIG CHECKPOINT picture.jpg --method eigen-cam --most 3
  tools/visualize.py channels CONFIG CHECKPOINT --data ROOT --shares 0.1 0.5
"""

import argparse
from pathlib import Path

import msa_backbone  # noqa: F401  (registers the backbone, serves mmcv's ops)
from msa_backbone.cli.arguments import add_config_options
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.config.load import apply_options, load_config
from msa_backbone.files.images import read_image
from msa_backbone.files.whole_files import write_whole
from msa_backbone.inference.channel_study import ChannelStudy, importance_table
from msa_backbone.inference.explain import METHODS, Explainer
from msa_backbone.inference.predictor import Predictor
from msa_backbone.inference.sources import find_sources
from msa_backbone.plots.channel_weights import plot_channel_weights
from msa_backbone.plots.heatmaps import Heatmap, save_heatmaps
from msa_backbone.scores import headline
from msa_backbone.training.prepare import prepare_testing


def look_at_images(args: argparse.Namespace) -> None:
    """Save a picture of maps for every image."""
    images, streams = find_sources(args.images)
    if streams:
        raise ValueError(f"{streams[0].source}: maps are drawn of images, not of videos")
    cfg = load_config(args.config, str(args.out), args.cfg_options)
    apply_options(cfg, args.cfg_options)
    predictor = Predictor(cfg, args.checkpoint, args.device)
    for image in images:
        explainer = Explainer(predictor, read_image(image.path))
        if args.what == "responses":
            rows = responses(explainer)
        else:
            maps = activation_maps(explainer, args)
            rows = [maps[at : at + 3] for at in range(0, len(maps), 3)]
        file = args.out / f"{image.name}.{args.what}.png"
        save_heatmaps(explainer.picture, rows, file, title=image.name)
        print(f"{image.name}: {sum(map(len, rows))} maps in {file}", flush=True)


def responses(explainer: Explainer) -> list[list[Heatmap]]:
    """The maps of every attention module, a row each."""
    rows = []
    for name, own in explainer.responses().items():
        maps = []
        for scale, values in own.scales.items():
            over = explainer.over_picture(values[0])
            maps.append(Heatmap(f"position {name}, {scale}", over, "mean |response|"))
        if own.spatial is not None:
            over = explainer.over_picture(own.spatial[0, 0])
            maps.append(Heatmap(f"position {name}, spatial weights", over, "weight", (0, 1)))
        over = explainer.over_picture(own.change[0])
        maps.append(Heatmap(f"position {name}, what is added", over, "|y - x|"))
        rows.append(maps)
    return rows


def activation_maps(explainer: Explainer, args: argparse.Namespace) -> list[Heatmap]:
    """A map for each of the most certain predictions."""
    return [
        Heatmap(
            subject.title,
            explainer.activation_map(subject, args.method, args.stages),
            "activation",
            (0, 1),
            subject.box,
        )
        for subject in explainer.subjects(args.score_thr, args.most)
    ]


def look_at_channels(args: argparse.Namespace) -> None:
    """Rank channels by their average gate, and test without some of them."""
    for share in args.shares:
        if not 0 < share <= 1:
            raise ValueError(f"--shares {share}: give 0 < share <= 1")
    cfg = load_config(args.config, str(args.out), args.cfg_options)
    prepare_testing(
        cfg, args.checkpoint, data=args.data, classes=args.classes, options=args.cfg_options
    )
    study = ChannelStudy(cfg)
    weights, scores = study.weights()
    metric = headline(scores, args.metric)
    plot_channel_weights(
        {name: (own.mean.numpy(), own.deviation.numpy()) for name, own in weights.items()},
        args.out / "channels.png",
    )
    without = {}
    for share in args.shares:
        chosen = [
            {
                name: own.ranked()[::step][: round(share * len(own.mean))]
                for name, own in weights.items()
            }
            for step in (1, -1)
        ]
        without[share] = tuple(study.scores_without(left_out)[metric] for left_out in chosen)
    table = importance_table(scores[metric], without, metric)
    write_whole(args.out / "channels.md", table + "\n")
    print(table)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_subparsers(dest="what", required=True)
    for name in ("responses", "cam", "channels"):
        own = what.add_parser(name)
        own.add_argument("config", help="the config of the training")
        own.add_argument("checkpoint", help="what it was trained to")
        own.add_argument("--out", type=Path, default=Path("work_dirs/visualize"))
        if name == "channels":
            own.add_argument("--data", metavar="ROOT", help="as in tools/test.py")
            own.add_argument("--classes", nargs="+", help="with --data: as in tools/test.py")
            own.add_argument("--shares", nargs="+", type=float, default=[0.1, 0.25, 0.5, 1.0])
            own.add_argument("--metric", help="the score that is compared, as the log names it")
        else:
            own.add_argument("images", nargs="+", help="files, folders, patterns")
            own.add_argument("--device", default="cpu")
        if name == "cam":
            own.add_argument("--method", choices=METHODS, help="by default fits what is explained")
            own.add_argument("--stages", nargs="+", type=int, help="of the backbone, from 0")
            own.add_argument("--most", type=int, default=5, help="predictions (default: 5)")
            own.add_argument("--score-thr", type=float, default=0.3, help="of boxes (default: 0.3)")
        add_config_options(own)
    args = parser.parse_args()
    with one_line_errors():
        look_at_channels(args) if args.what == "channels" else look_at_images(args)


if __name__ == "__main__":
    main()
