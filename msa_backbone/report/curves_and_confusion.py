"""Precision-recall curves and confusion matrices, from scores and truths."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 16_384  # of scores
LOGIT_LIMIT = 32.0  # of log-odds; beyond 36 the probability is 1 in float64


@dataclass(frozen=True)
class Curve:
    """Precision over recall, by falling score.

    Attributes:
        name: of the class.
        recall: (points,), rising, in 0..1.
        precision: (points,), in 0..1.
        average: the average precision; NaN where the truth holds none of the class.
    """

    name: str
    recall: np.ndarray
    precision: np.ndarray
    average: float


def curve_of_scores(name: str, scores: np.ndarray, belongs: np.ndarray) -> Curve:
    """The exact curve of a class, by scikit-learn.

    Args:
        name: of the class.
        scores: (n,), probabilities of the class; NaN counts as none.
        belongs: (n,) bool, the truth.
    """
    from sklearn.metrics import average_precision_score, precision_recall_curve

    if not belongs.any():
        return without_truth(name)
    scores = np.nan_to_num(scores, nan=0.0)
    precision, recall, _ = precision_recall_curve(belongs, scores)
    average = float(average_precision_score(belongs, scores))
    # By falling score; without its last point, which stands for nothing accepted.
    return Curve(name, recall[-2::-1], precision[-2::-1], average)


def curve_of_bins(name: str, correct: np.ndarray, accepted: np.ndarray) -> Curve:
    """A curve from scores that were counted in bins, and have lost their order inside of each.

    To accept a bin as a whole, as if its scores were equal, would make the average precision of
    wide bins too low. So the members of the class are taken to be evenly mixed with the others in
    a bin, and precision is integrated over the bin.

    Args:
        name: of the class.
        correct: (bins,), how many in a bin belong to the class; the highest scores first.
        accepted: (bins,), how many are in a bin.
    """
    correct, accepted = correct[accepted > 0], accepted[accepted > 0]
    found, taken = correct.cumsum(), accepted.cumsum()
    if not len(found) or not found[-1]:
        return without_truth(name)
    earlier, before = found - correct, taken - accepted
    # The integral of (earlier + share * correct) / (before + share * accepted) over the share.
    precision = correct / accepted
    grown = np.log1p(accepted / np.maximum(before, 1)) * (before > 0)
    precision = precision + (earlier - precision * before) / accepted * grown
    return Curve(name, found / found[-1], found / taken, float(precision @ correct / found[-1]))


def without_truth(name: str) -> Curve:
    """The empty curve of a class that the truth holds none of."""
    return Curve(name, np.empty(0), np.empty(0), float("nan"))


def thinned(values: np.ndarray, most: int) -> np.ndarray:
    """At most `most` of the values, evenly spread, with the first and the last."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def thinned_curve(curve: Curve, most: int) -> Curve:
    """The same curve with at most `most` points, evenly spread over the recall."""
    if len(curve.recall) <= most:
        return curve
    levels = np.linspace(curve.recall[0], curve.recall[-1], most)
    kept = np.unique(np.searchsorted(curve.recall, levels))
    return Curve(curve.name, curve.recall[kept], curve.precision[kept], curve.average)


def extremes(values: np.ndarray, most: int) -> list[int]:
    """Indices of the lowest and of the highest values, half of each, in ascending order.

    Args:
        values: (n,), none of them NaN.
        most: how many indices, an even number; of fewer values all.
    """
    if len(values) <= most:
        return list(range(len(values)))
    order = np.argsort(values, kind="stable").tolist()
    return sorted([*order[: most // 2], *order[-(most // 2) :]])


def match_boxes(
    overlaps: np.ndarray,
    scores: np.ndarray,
    labels: np.ndarray,
    truths: np.ndarray,
    threshold: float = 0.5,
) -> np.ndarray:
    """Pair predictions with true boxes, one to one.

    The prediction with the highest score chooses first. It takes the true box of its class that it
    overlaps most, if nobody has taken that. Predictions that found none of their class then choose
    among the boxes of other classes that are left: those are confusions.

    Args:
        overlaps: (predictions, truths), intersection over union.
        scores: (predictions,).
        labels: (predictions,), classes.
        truths: (truths,), classes.
        threshold: the least overlap of a pair.

    Returns:
        (predictions,), the index of the true box, -1 without one.
    """
    matched = np.full(len(scores), -1)
    free = np.ones(len(truths), dtype=bool)
    for same_class in (True, False):
        for index in np.argsort(-scores, kind="stable"):
            if matched[index] >= 0:
                continue
            fits = free & ((truths == labels[index]) == same_class)
            candidates = np.where(fits, overlaps[index], -1.0)
            if candidates.size and candidates.max() >= threshold:
                matched[index] = candidates.argmax()
                free[matched[index]] = False
    return matched


def box_confusion(
    matched: np.ndarray, labels: np.ndarray, truths: np.ndarray, classes: int
) -> np.ndarray:
    """Counts by true class (rows) and predicted class (columns), the last of both: background.

    A row adds up to the true boxes of a class, a column to the predicted ones.

    Args:
        matched: (predictions,), from `match_boxes`.
        labels: (predictions,), classes.
        truths: (truths,), classes.
        classes: how many there are.

    Returns:
        (classes + 1, classes + 1) int64.
    """
    matrix = np.zeros((classes + 1, classes + 1), dtype=np.int64)
    taken = np.append(truths, classes)[matched]  # -1: the background
    np.add.at(matrix, (taken, labels), 1)
    missed = np.setdiff1d(np.arange(len(truths)), matched)
    np.add.at(matrix, (truths[missed], classes), 1)
    return matrix


def folded(matrix: np.ndarray, names: Sequence[str], most: int) -> tuple[np.ndarray, Sequence[str]]:
    """A confusion matrix of the classes with the most errors; the others become one class.

    Args:
        matrix: (classes, classes) counts.
        names: of the classes.
        most: how many rows the result may have.

    Returns:
        A matrix with the same sum, and the names of its rows.
    """
    if len(names) <= most:
        return matrix, names
    kept = _most_confused(matrix, most - 1)
    place = np.full(len(names), len(kept))
    place[kept] = np.arange(len(kept))
    small = np.zeros((len(kept) + 1, len(kept) + 1), dtype=matrix.dtype)
    np.add.at(small, (place[:, None], place[None]), matrix)
    rest = f"{len(names) - len(kept)} others"
    return small, [*(names[index] for index in kept), rest]


def errors_among_folded(matrix: np.ndarray, most: int) -> np.ndarray:
    """The errors that `folded` hides: those between two classes that become one.

    Args:
        matrix, most: as of `folded`.

    Returns:
        (classes, classes) counts, zero for all that the folded matrix shows, and without those
        that were right.
    """
    hidden = matrix.copy()
    np.fill_diagonal(hidden, 0)
    kept = _most_confused(matrix, most - 1) if len(matrix) > most else slice(None)
    hidden[kept] = hidden[:, kept] = 0
    return hidden


def _most_confused(matrix: np.ndarray, number: int) -> list[int]:
    """The classes with the most errors, in ascending order."""
    errors = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    return sorted(np.argsort(-errors, kind="stable")[:number].tolist())


def f1(correct: float, predicted: float, true: float) -> float:
    """The harmonic mean of precision and recall; NaN where nothing is true or predicted."""
    return 2 * correct / (predicted + true) if predicted + true else float("nan")
