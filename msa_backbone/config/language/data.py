"""How a config reads the user's questions or captions; its metrics stay."""

from pathlib import Path

from mmengine.config import Config, ConfigDict

from ...data.language.find import LanguageData
from ...data.language.index import index_file


def dataset(data: LanguageData, split: str, old: ConfigDict, index_dir: Path) -> ConfigDict:
    """The data set of a split, by the list in `index_dir`."""
    return ConfigDict(
        type="PictureQuestionDataset" if data.asks else "PictureCaptionDataset",
        ann_file=str(index_file(split, index_dir)),
        data_prefix={"img": str(data.root)},
    )


def metrics(data: LanguageData, split: str, evaluator: object, index_dir: Path) -> object:
    """The config's own."""
    return evaluator


def fit_config(cfg: Config, data: LanguageData) -> None:
    """Words are learned by `learn_words`."""
