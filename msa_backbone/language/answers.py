"""The answers to choose from, and how much of the truth each is."""

from collections.abc import Sequence

import torch
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..errors import DataError


def check_answers(answers: Sequence[str]) -> list[str]:
    """The answers as a list.

    Raises:
        DataError: if there are none, or one is there twice.
    """
    answers = list(answers)
    if not answers:
        raise DataError("there is no answer to choose from: give those of the training data")
    if len(set(answers)) < len(answers):
        twice = next(answer for answer in answers if answers.count(answer) > 1)
        raise DataError(f"answer '{twice}' is there twice: give every answer once")
    return answers


def answer_shares(data_samples: Sequence[BaseDataElement], answers: Sequence[str]) -> Tensor:
    """How much of the truth each answer is: 1 in all, or 0 where none of them is true.

    Args:
        data_samples: with `gt_answer`, a text or several, and perhaps `gt_answer_weight`.
        answers: those to choose from.

    Returns:
        (N, answers) of float32.

    Raises:
        ValueError: for a sample without an answer.
    """
    index = {answer: number for number, answer in enumerate(answers)}
    shares = torch.zeros(len(data_samples), len(answers))
    for row, sample in zip(shares, data_samples, strict=True):
        given = sample.get("gt_answer")
        if not given:
            raise ValueError(
                f"question '{sample.get('question')}' has no answer: training needs gt_answer"
            )
        given = [given] if isinstance(given, str) else given
        weights = sample.get("gt_answer_weight")
        for answer, weight in zip(given, weights or [1.0] * len(given), strict=True):
            if answer in index:
                row[index[answer]] += weight
    return shares / shares.sum(1, keepdim=True).clamp_min(torch.finfo(shares.dtype).tiny)
