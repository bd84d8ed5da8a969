"""Find the score from which on a box counts, for each class, on the validation pictures.

The scores of the best F1 are kept in the checkpoint. From then on tools/predict.py and
msa_backbone.load use them, and tools/export.py hands them on to the files that it writes.

Examples:
  tools/find_thresholds.py CONFIG CHECKPOINT
  tools/find_thresholds.py CONFIG CHECKPOINT --data ROOT
"""

import argparse
import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from mmengine.config import Config
from mmengine.registry import DATASETS, init_default_scope

from ..config.load import apply_options, load_config
from ..config_nodes import innermost
from ..errors import DataError
from ..files.whole_files import write_whole
from ..inference.thresholds import THRESHOLDS, ThresholdFinder
from ..progress import progress_line
from ..tasks import task_of
from .arguments import add_config_options
from .errors import one_line_errors


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="the config of the training")
    parser.add_argument("checkpoint", help="what it was trained to; it is written anew")
    parser.add_argument("--data", metavar="ROOT", help="use this folder's val split")
    parser.add_argument("--classes", nargs="+", help="with --data: as in tools/train.py")
    parser.add_argument("--device", default="cpu", help="such as cuda:0 (default: cpu)")
    add_config_options(parser)
    return parser.parse_args()


def find(args: argparse.Namespace, work_dir: str) -> Iterator[str]:
    """Find the thresholds, write them into the checkpoint, and say what was found."""
    from ..config.moved_work_dir import follow_index  # imports torch, as all of these
    from ..config.rehearse import check_data_files
    from ..config.user_data import use_data
    from ..export.prepare_testing import check_classes
    from ..inference.predictor import Predictor

    if "://" in args.checkpoint:  # a URL, or a name of a model zoo
        raise DataError(
            f"{args.checkpoint} cannot be written anew: download it, and give the file's path"
        )
    cfg = load_config(args.config, work_dir, args.cfg_options)
    if not task_of(cfg).finds_objects:
        raise DataError(f"the config is for {task_of(cfg).title}: only boxes have thresholds")
    data = use_data(cfg, args.data, args.classes)
    yield from data.lines if data else follow_index(cfg)
    apply_options(cfg, args.cfg_options)
    if data:
        data.write_index()
    else:
        check_data_files(cfg, "val_dataloader")
    truths = Truths(cfg)
    predictor = Predictor(cfg, args.checkpoint, args.device)
    check_classes(args.checkpoint, predictor.classes, truths.classes)
    finder, progress = ThresholdFinder(len(predictor.classes)), progress_line()
    for number, (path, *truth) in enumerate(truths, 1):
        (sample,) = predictor([predictor.read(path)], [path.name])
        found = sample.pred_instances.cpu().numpy()
        finder.add(found.bboxes, found.scores, found.labels, *truth)
        progress(number, len(truths))
    best = dict(zip(predictor.classes, finder.best(), strict=True))
    write_thresholds(args.checkpoint, {name: score for name, (score, _) in best.items()})
    yield (
        f"written into {args.checkpoint}, from {len(truths)} pictures; files that were exported "
        "before do not have them"
    )
    for name, (score, f1) in best.items():
        yield f"  {name:20} from {score:.3f} on, F1 {f1:.3f}"


class Truths:
    """What is to be found in the pictures of a config's val split.

    Attributes:
        classes: their names, by label.
    """

    def __init__(self, cfg: Config) -> None:
        init_default_scope(cfg.get("default_scope", "mmengine"))
        source = innermost(cfg.val_dataloader.dataset)[0]
        self._dataset = DATASETS.build({**source, "pipeline": [], "test_mode": True})
        self.classes = tuple(self._dataset.metainfo["classes"])

    def __len__(self) -> int:
        return len(self._dataset)

    def __iter__(self) -> Iterator[tuple[Path, np.ndarray, np.ndarray, np.ndarray]]:
        """Path, boxes (x1, y1, x2, y2) in pixels, labels, and which are crowds or difficult."""
        for number in range(len(self)):
            record = self._dataset.get_data_info(number)
            objects = record["instances"]
            boxes = np.array([one["bbox"] for one in objects], float).reshape(-1, 4)
            labels = np.array([one["bbox_label"] for one in objects], int)
            ignored = np.array([one.get("ignore_flag", 0) for one in objects], bool)
            yield Path(record["img_path"]), boxes, labels, ignored


def write_thresholds(checkpoint: str, thresholds: dict[str, float]) -> None:
    """Keep thresholds, by class, in a checkpoint; all else stays as it is."""
    import torch

    from ..files.checkpoints import read_checkpoint

    content = read_checkpoint(checkpoint)
    meta = content.setdefault("meta", {})
    meta["dataset_meta"] = {**(meta.get("dataset_meta") or {}), THRESHOLDS: thresholds}
    written = io.BytesIO()
    torch.save(content, written)
    write_whole(Path(checkpoint).expanduser(), written.getvalue())


def main() -> None:
    args = parse_args()
    with one_line_errors(), TemporaryDirectory() as work_dir:
        for line in find(args, work_dir):
            print(line)
