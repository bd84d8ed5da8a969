"""Answers to several questions about a picture, in one data sample."""

from collections.abc import Sequence

from mmengine.config import Config
from mmengine.structures import BaseDataElement

from ..tasks import Task, task_of


def check_questions(cfg: Config, questions: Sequence[str]) -> None:
    """Refuse questions to a model that answers none, and none to one that does.

    Raises:
        ValueError: saying what to do.
    """
    task = task_of(cfg)
    if (task is Task.QUESTIONS) != bool(questions):
        asks = "give" if task is Task.QUESTIONS else "leave out"
        raise ValueError(f"the config is for {task.title}: {asks} --question")


def gather_answers(samples: Sequence[BaseDataElement], number: int) -> list[BaseDataElement]:
    """One sample a picture, from one for every question.

    Args:
        samples: of `MSAAnswerer`, those of a picture together.
        number: of questions about each picture.

    Returns:
        The first sample of each picture, with `question`, `pred_answer` and `pred_score`, the
        probability of the answer, as lists.
    """
    gathered = []
    for start in range(0, len(samples), number):
        of_picture = samples[start : start + number]
        asked = [(one.question, one.pred_answer, float(one.pred_score.max())) for one in of_picture]
        first = of_picture[0]
        first.question, first.pred_answer, first.pred_score = map(list, zip(*asked, strict=True))
        gathered.append(first)
    return gathered
