"""Precision and recall, and who was taken for whom: plain numbers from scores and truths."""

from dataclasses import dataclass, replace

import numpy as np

BINS = 16_384
LOGIT_LIMIT = 32.0  # larger log-odds are one: float64 tells probabilities apart up to 36


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


def curve_of_counts(name: str, correct: np.ndarray, accepted: np.ndarray) -> Curve:
    """A curve from what is accepted at ever lower thresholds.

    Args:
        name: of the class.
        correct: (thresholds,), how many of the accepted belong to the class; the last is all.
        accepted: (thresholds,), how many have at least this score.
    """
    steps = np.diff(accepted, prepend=0) > 0
    correct, accepted = correct[steps], accepted[steps]
    total = correct[-1] if len(correct) else 0
    if not total:
        return Curve(name, np.empty(0), np.empty(0), float("nan"))
    recall, precision = correct / total, correct / accepted
    return Curve(name, recall, precision, float(np.diff(recall, prepend=0) @ precision))


def curve_of_bins(name: str, correct: np.ndarray, accepted: np.ndarray) -> Curve:
    """A curve from scores that were counted in bins, and have lost their order inside of each.

    The average takes what belongs to the class and what does not to be evenly mixed in a bin; as
    ties (`curve_of_counts`), wide bins would cost it.

    Args:
        name: of the class.
        correct: (bins,), how many of a bin belong to the class; the highest scores first.
        accepted: (bins,), how many are in a bin.
    """
    curve = curve_of_counts(name, correct.cumsum(), accepted.cumsum())
    correct, accepted = correct[accepted > 0], accepted[accepted > 0]
    if not len(curve.recall):
        return curve
    earlier, before = correct.cumsum() - correct, accepted.cumsum() - accepted
    # The integral of (earlier + share * correct) / (before + share * accepted) over the share.
    precision = correct / accepted
    grown = np.log1p(accepted / np.maximum(before, 1)) * (before > 0)
    precision = precision + (earlier - precision * before) / accepted * grown
    return replace(curve, average=float(precision @ correct / correct.sum()))


def curve_of_scores(name: str, scores: np.ndarray, belongs: np.ndarray) -> Curve:
    """The exact curve of a class.

    Args:
        name: of the class.
        scores: (n,), for the class.
        belongs: (n,) bool, the truth.
    """
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.diff(scores[order]) != 0, True)[: len(scores)]
    correct, accepted = np.cumsum(belongs[order]), np.arange(1, len(scores) + 1)
    return curve_of_counts(name, correct[last_of_score], accepted[last_of_score])


def thinned(values: np.ndarray, most: int) -> np.ndarray:
    """Of many values in a row at most so many, evenly spread, the first and the last among them."""
    if len(values) <= most:
        return values
    return values[np.linspace(0, len(values) - 1, most).round().astype(int)]


def thinned_curve(curve: Curve, most: int) -> Curve:
    """The same curve with at most so many points, evenly spread over the recall."""
    if len(curve.recall) <= most:
        return curve
    levels = np.linspace(curve.recall[0], curve.recall[-1], most)
    kept = np.unique(np.searchsorted(curve.recall, levels))
    return Curve(curve.name, curve.recall[kept], curve.precision[kept], curve.average)


def extremes(values: np.ndarray, most: int) -> list[int]:
    """All indices, or in their order those of the lowest and highest values, half and half.

    Args:
        values: (n,), none of them NaN.
        most: so many, an even number.
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

    By falling score, every prediction takes the free true box of its class that it overlaps most;
    what is left over then takes what is left of other classes.

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
            own = np.where(fits, overlaps[index], -1.0)
            if own.size and own.max() >= threshold:
                matched[index] = own.argmax()
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


def f1(correct: float, predicted: float, true: float) -> float:
    """The harmonic mean of precision and recall; NaN where nothing is true or predicted."""
    return 2 * correct / (predicted + true) if predicted + true else float("nan")
