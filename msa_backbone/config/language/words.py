"""The words that a model reads and writes: learned from the training data, kept in the checkpoint.

A config says how a vocabulary is learned, and how many answers there are to choose from:

    model = dict(type='MSAAnswerer', vocabulary=dict(kind='word'), answers=dict(most=3000), ...)

Before a training both are replaced by what the training text gives, and before a test by what the
checkpoint holds.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DATASETS
from torch import nn

from ...config_nodes import LOADERS, innermost
from ...data.language.find import LanguageData
from ...errors import DataError
from ...files.checkpoints import read_state_dict
from ...files.whole_files import write_whole
from ...language.text.stored_text import StoredText, read_stored_text
from ...language.text.tokenizer import train_vocabulary
from ..moved_work_dir import INDEX_FOLDER

VOCABULARY_FILE = "vocabulary.json"
READERS = ("MSAAnswerer", "MSACaptioner")
"""Models with a vocabulary."""


def reads_words(cfg: Config) -> bool:
    """Whether the config's model has a vocabulary."""
    return str(cfg.model.get("type")).rpartition(".")[2] in READERS


def learn_words(cfg: Config, found: LanguageData | None = None) -> list[str]:
    """Give the model the vocabulary and the answers of its training data.

    Args:
        cfg: changed in place.
        found: the user's data; None reads all data sets of the config, so that what is wrong with
            one of them is told now.

    Returns:
        What was learned, for the user; nothing for models without words.

    Raises:
        DataError: what is wrong with the data, or that there is no word or no answer.
    """
    if not reads_words(cfg):
        return []
    train, lines = found, []
    if found is None:
        sources = [innermost(cfg[loader].dataset)[0] for loader in LOADERS if cfg.get(loader)]
        train, *_ = [DATASETS.build({**source, "pipeline": []}) for source in sources]
    vocabulary = cfg.model.get("vocabulary")
    if isinstance(vocabulary, Mapping):
        text = train_vocabulary(train.texts(), **vocabulary)
        cfg.model.vocabulary = text
        words = len(json.loads(text)["model"]["vocab"])
        lines.append(f"Vocabulary: {words} tokens, of {len(train.texts())} sentences")
    answers = cfg.model.get("answers")
    if isinstance(answers, Mapping):
        cfg.model.answers = train.answers(**answers)
        if not cfg.model.answers:
            raise DataError("no question of the training data has an answer: add the answers")
        shown = ", ".join(cfg.model.answers[:5])
        lines.append(f"Answers: {len(cfg.model.answers)}, the most frequent first: {shown}")
    return lines


def recall_words(cfg: Config, checkpoint: str) -> None:
    """Give the model the vocabulary and the answers of a checkpoint.

    Raises:
        ValueError: if it holds none.
    """
    if not reads_words(cfg):
        return
    tensors = read_state_dict(checkpoint)
    if cfg.model.get("vocabulary") is not None and "tokenizer.text.utf8" in tensors:
        cfg.model.vocabulary = read_stored_text(tensors, "tokenizer.text")
    if "answers" in cfg.model:
        cfg.model.answers = json.loads(read_stored_text(tensors, "answers_text"))


def store_words(cfg: Config) -> None:
    """Write the vocabulary into the work dir, and let the config name the file."""
    if reads_words(cfg) and str(cfg.model.get("vocabulary")).lstrip().startswith("{"):
        file = Path(cfg.work_dir).absolute() / INDEX_FOLDER / VOCABULARY_FILE
        write_whole(file, cfg.model.vocabulary)
        cfg.model.vocabulary = str(file)


def check_words(model: nn.Module, checkpoint: str) -> None:
    """Refuse a checkpoint of another vocabulary, or of other answers, than the model's.

    Raises:
        DataError: naming the checkpoint.
    """
    tensors = read_state_dict(checkpoint)
    for name, module in model.named_modules():
        stored = isinstance(module, StoredText) and f"{name}.utf8" in tensors
        if stored and str(module) != read_stored_text(tensors, name):
            raise DataError(
                f"checkpoint {checkpoint} belongs to another {module.name} than the training "
                "data's: train on the data of the checkpoint, or from the beginning"
            )
