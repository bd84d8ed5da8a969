"""The words that a model reads and writes: learned from the training data, kept in the checkpoint.

A config says how a vocabulary is learned, and how many answers there are to choose from:

    model = dict(type='MSAAnswerer', vocabulary=dict(kind='word'), answers=dict(most=3000), ...)

Before a training both are replaced by what the training text gives, and before a test by what the
checkpoint holds.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import DATASETS
from torch import nn
from torch.utils.data import Dataset

from ...config_nodes import LOADERS, innermost
from ...data.language.find import LanguageData
from ...errors import DataError
from ...files.checkpoints import read_state_dict
from ...files.whole_files import write_whole
from ...language.text.stored_text import StoredText, read_stored_text
from ...language.text.tokenizer import train_vocabulary
from ...openmmlab.datasets.question_dataset import PictureQuestionDataset
from ...tasks import Task, task_of
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
        train, *_ = [_read_data(cfg, loader) for loader in LOADERS if cfg.get(loader)]
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


def _read_data(cfg: Config, loader: str) -> Dataset:
    """The data set of a loader, without its pipeline.

    Raises:
        DataError: what is wrong with it; for questions of which none is answered, too.
    """
    source = innermost(cfg[loader].dataset)[0]
    data = DATASETS.build({**source, "pipeline": []})
    if isinstance(data, PictureQuestionDataset) and not data.answers(1):
        raise DataError(
            f"{loader}: {source.get('ann_file')} has questions without answers: give the "
            "annotations with the answers as ann_file, and their questions as question_file"
        )
    return data


def stand_in_words(cfg: Config) -> None:
    """Give the model a placeholder vocabulary and answers: it can be built without data."""
    if reads_words(cfg):
        if isinstance(cfg.model.get("vocabulary"), Mapping):
            cfg.model.vocabulary = train_vocabulary(["word"])
        if isinstance(cfg.model.get("answers"), Mapping):
            cfg.model.answers = ["answer"]


def recall_words(cfg: Config, checkpoint: str) -> None:
    """Give the model the vocabulary and the answers of a checkpoint.

    Raises:
        ValueError: naming the checkpoint, if it holds none.
    """
    if not reads_words(cfg):
        return
    tensors = read_state_dict(checkpoint)
    unread = {"vocabulary"} if cfg.model.get("conditioning") == "picture" else set()
    for name, stored in (("vocabulary", "tokenizer.text"), ("answers", "answers_text")):
        wanted = cfg.model.get(name)
        if wanted is not None and f"{stored}.utf8" in tensors:
            text = read_stored_text(tensors, stored)
            cfg.model[name] = json.loads(text) if name == "answers" else text
        elif isinstance(wanted, Mapping) and name not in unread:
            raise ValueError(
                f"{checkpoint} holds no {name}: give a checkpoint of this config's training"
            )


def compare_answers(
    cfg: Config, known: Sequence[str], source: str, found: LanguageData | None = None
) -> list[str]:
    """Compare the answers of the test questions with those that a model chooses among.

    Args:
        cfg: ready to test.
        known: the model's answers; none for models that choose among no answers.
        source: the file they are from.
        found: the user's data; None reads the config's.

    Returns:
        A warning, if some questions have only answers that the model does not know; nothing for
        models that are asked nothing.

    Raises:
        DataError: if it knows no answer of any question.
    """
    if task_of(cfg) is not Task.QUESTIONS or not known:
        return []
    if found:
        true = [question.answers for question in found.splits.get("test", found.splits["val"])]
    else:
        data = _read_data(cfg, "test_dataloader")
        true = [data.get_data_info(index).get("gt_answer", ()) for index in range(len(data))]
    unknown = sum(set(known).isdisjoint(answers) for answers in true)
    if unknown == len(true):
        raise DataError(
            f"{source} knows none of the true answers, of {len(true)} questions: it is of other "
            "data; it knows " + ", ".join(known[:5]) + ", ..." * (len(known) > 5)
        )
    told = f"warning: {unknown} of {len(true)} questions have no answer that {source} knows"
    return [told] if unknown else []


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
