"""From the folder that --data names to a config that reads it, and the files it reads beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config, ConfigDict
from mmengine.dist import is_main_process

from ..config_nodes import LOADERS, innermost
from ..data.classification.check import check_classification_data
from ..data.classification.find import ClassificationData, find_classification_data
from ..data.classification.index import write_index as write_classification_index
from ..data.detection.check import check_detection_data
from ..data.detection.find import find_detection_data
from ..data.detection.index import make_val_split
from ..data.detection.index import write_index as write_detection_index
from ..data.folders import require_outside
from ..data.formats.detection_annotations import DetectionData
from ..data.language.check import check_language_data
from ..data.language.find import LanguageData, find_captions, find_questions
from ..data.language.index import write_index as write_language_index
from ..data.segmentation.check import check_segmentation_data
from ..data.segmentation.find import SegmentationData, find_segmentation_data
from ..data.segmentation.index import write_index as write_segmentation_index
from ..errors import DataError, printable
from ..files.loaded_modalities import loaded_modalities
from ..progress import progress_line
from ..tasks import Task, task_of
from .classes import set_num_classes
from .datasets import classification, detection, segmentation
from .language import data as language_data
from .modalities.data import pair
from .moved_work_dir import INDEX_FOLDER

FoundData = ClassificationData | DetectionData | LanguageData | SegmentationData

FIND_AND_CHECK = {
    Task.DETECTION: (find_detection_data, check_detection_data),
    Task.INSTANCE_SEGMENTATION: (find_detection_data, check_detection_data),
    Task.SEMANTIC_SEGMENTATION: (find_segmentation_data, check_segmentation_data),
    Task.CLASSIFICATION: (find_classification_data, check_classification_data),
    Task.QUESTIONS: (find_questions, check_language_data),
    Task.CAPTIONS: (find_captions, check_language_data),
}

READ_BY = {
    DetectionData: detection,
    SegmentationData: segmentation,
    ClassificationData: classification,
    LanguageData: language_data,
}
"""The module that knows how a toolbox reads the data: `dataset`, `metrics` and `fit_config`."""


@dataclass(frozen=True)
class UserData:
    """The data of a folder that a config has been pointed at.

    Attributes:
        data: what is in the folder.
        index_dir: where the files that are made from the data go, inside the work dir.
        lines: what was found and decided, for the user.
    """

    data: FoundData
    index_dir: Path
    lines: tuple[str, ...]

    def require_labels(self) -> None:
        """Raise DataError for boxes whose test split is images alone: nothing can be scored."""
        if isinstance(self.data, DetectionData) and "test" in self.data.unlabelled:
            raise DataError(
                f"{self.data.unlabelled['test']}: its images have no annotations to test with; "
                "predict them with tools/predict.py, or move it away to test on val"
            )

    def write_index(self, testing: bool = False) -> None:
        """Write what training, or testing, reads beside the user's folder."""
        if isinstance(self.data, SegmentationData):
            test_split = "test" if "test" in self.data.splits else "val"
            splits = (test_split,) if testing else tuple(self.data.splits)
            write_segmentation_index(self.data, self.index_dir, progress_line(), splits)
        elif isinstance(self.data, ClassificationData):
            write_classification_index(self.data, self.index_dir)
        elif isinstance(self.data, LanguageData):
            write_language_index(self.data, self.index_dir)
        else:
            write_detection_index(self.data, self.index_dir)


def use_data(
    cfg: Config, root: str | None, classes: Sequence[str] | None = None
) -> UserData | None:
    """Find and check the data in `root`, and point the config at it; nothing is written.

    The config's task decides what is looked for: boxes, masks or a class for each image. If it
    loads several modalities, those of the others are found beside the images. Among several
    processes the main one alone checks the data. `write_index` has to follow.

    Args:
        cfg: changed in place.
        root: the folder; None leaves the config its own data, and returns None.
        classes: of the folder's data.

    Raises:
        ValueError, OSError: what is wrong with the data, or why the config cannot read them; for
            classes without a folder.
    """
    if not root:
        if classes:
            raise ValueError("--classes goes with --data ROOT: the config's data have their own")
        return None
    find, check = FIND_AND_CHECK[task_of(cfg)]
    modalities = loaded_modalities(cfg)
    if modalities and task_of(cfg) in (Task.CLASSIFICATION, Task.QUESTIONS, Task.CAPTIONS):
        raise ValueError("--data finds several modalities for boxes and masks alone")
    index_dir = Path(cfg.work_dir).absolute() / INDEX_FOLDER
    require_outside(index_dir, Path(root))
    data = find(root, classes, modalities=modalities) if modalities else find(root, classes)
    warnings = []
    if is_main_process():
        warnings = check(data, progress=progress_line())
    if isinstance(data, DetectionData):
        data = make_val_split(data)
    set_data(cfg, data, index_dir)
    notes = [*data.notes]
    if modalities:
        notes += pair(cfg, data.root, data.image_files, modalities, check=is_main_process())
    lines = [f"Data from {data.root}", *(f"  {note}" for note in notes)]
    lines += [f"  warning: {warning}" for warning in warnings]
    return UserData(data, index_dir, tuple(map(printable, lines)))


def set_data(cfg: Config, data: FoundData, index_dir: Path) -> None:
    """Point a config at the user's data; pipelines, samplers and batch sizes stay.

    The innermost dataset of every dataloader is replaced, inside the old wrappers. Without a test
    split, testing uses val. Every class is scored on its own as well.

    Raises:
        ValueError: if there is no dataset to replace, or a setting does not fit the data.
    """
    reader = READ_BY[type(data)]
    for loader in LOADERS:
        if cfg.get(loader) is None:
            raise ValueError(f"the config has no {loader}, so --data has nothing to replace")
        split = loader.removesuffix("_dataloader")
        split = split if split in data.splits else "val"
        evaluator = loader.replace("dataloader", "evaluator")
        old = innermost(cfg[loader].dataset)[0]  # of several sources the first
        if "pipeline" not in old:
            raise ValueError(
                "the config's innermost dataset has no pipeline, so --data cannot keep it"
            )
        new = reader.dataset(data, split, old, index_dir)
        new.update(pipeline=old["pipeline"], test_mode=split != "train")
        cfg[loader].dataset = _replaced(cfg[loader].dataset, new)
        if split != "train":
            cfg[evaluator] = reader.metrics(data, split, cfg.get(evaluator), index_dir)
    reader.fit_config(cfg, data)
    if not data.classes:  # questions, captions
        return
    # mmpretrain's own configs have their data_preprocessor beside the model.
    for part in ("model", "data_preprocessor", "val_evaluator", "test_evaluator"):
        set_num_classes(cfg.get(part), len(data.classes))


def _replaced(dataset: ConfigDict, new: ConfigDict) -> ConfigDict:
    """A loader's dataset with `new` inside its wrappers; it takes the place of several sources."""
    if "dataset" in dataset:
        dataset["dataset"] = _replaced(dataset["dataset"], new)
        return dataset
    return _replaced(dataset["datasets"][0], new) if "datasets" in dataset else new
