"""Precision and recall against scikit-learn, pairs of boxes against hand-made ones."""

import numpy as np
import pytest

from msa_backbone.report.curves_and_confusion import (
    Curve,
    box_confusion,
    curve_of_bins,
    curve_of_scores,
    extremes,
    f1,
    folded,
    match_boxes,
    thinned,
    thinned_curve,
)


@pytest.mark.parametrize("digits", [8, 1])  # with 1, most scores come more than once
@pytest.mark.parametrize("seed", range(5))
def test_a_curve_is_scikit_learns(seed, digits):
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(seed)
    scores, belongs = random.random(200).round(digits), random.random(200) < 0.3
    curve = curve_of_scores("a", scores, belongs)
    precision, recall, _ = metrics.precision_recall_curve(belongs, scores)
    assert np.allclose(curve.precision[::-1], precision[:-1])  # theirs ends in a made-up point
    assert np.allclose(curve.recall[::-1], recall[:-1])
    expected = metrics.average_precision_score(belongs, scores)
    assert curve.average == pytest.approx(expected)
    # counted in bins, as many as there are scores
    values = np.unique(scores)[::-1]
    bins = np.zeros((2, 3 * len(values)), int)  # empty bins change nothing
    bins[0, ::3] = [(belongs & (scores == value)).sum() for value in values]
    bins[1, ::3] = [(scores == value).sum() for value in values]
    binned = curve_of_bins("a", *bins)
    assert np.allclose(binned.precision, curve.precision)
    assert np.allclose(binned.recall, curve.recall)


def test_wide_bins_cost_no_precision():
    metrics = pytest.importorskip("sklearn.metrics")
    random = np.random.default_rng(0)
    belongs = random.random(100_000) < 0.2
    scores = random.normal(0, 1, 100_000) + belongs
    exact = metrics.average_precision_score(belongs, scores)
    for bins, tolerance in ((1000, 1e-4), (30, 5e-3)):
        number = bins - 1 - ((scores + 5) / 12 * bins).clip(0, bins - 1).astype(int)
        counts = [np.bincount(number[own], minlength=bins) for own in (belongs, belongs | True)]
        assert curve_of_bins("a", *counts).average == pytest.approx(exact, abs=tolerance)
    one = curve_of_bins("a", np.array([0, 3]), np.array([0, 4]))
    assert one.average == 0.75 and one.recall.tolist() == [1]
    assert np.isnan(curve_of_bins("a", np.array([0, 0]), np.array([0, 4])).average)


def test_a_class_without_truth_has_no_curve():
    for scores in (np.array([0.5, 0.9]), np.empty(0)):
        curve = curve_of_scores("a", scores, np.zeros(len(scores), bool))
        assert np.isnan(curve.average) and len(curve.recall) == len(curve.precision) == 0
    assert isinstance(curve, Curve)


def test_a_score_that_is_no_number_is_the_lowest():
    curve = curve_of_scores("a", np.array([np.nan, 0.5, 0.1]), np.array([True, True, False]))
    assert curve.average == pytest.approx(0.5 + 0.5 * 2 / 3)


def test_thinning_keeps_the_ends():
    assert thinned(np.arange(5), 9).tolist() == [0, 1, 2, 3, 4]
    assert thinned(np.arange(101), 5).tolist() == [0, 25, 50, 75, 100]
    recall = np.sort(np.concatenate([np.linspace(0, 0.01, 5000), np.linspace(0.02, 1, 50)]))
    curve = Curve("a", recall, 1 - recall, 0.7)
    assert thinned_curve(curve, 6000) is curve
    thin = thinned_curve(curve, 100)
    assert 50 <= len(thin.recall) <= 100 and np.allclose(thin.precision, 1 - thin.recall)
    assert thin.recall[0] == 0 and thin.recall[-1] == 1 and np.diff(thin.recall).max() < 0.05
    assert thin.average == 0.7


def test_extremes_stay_in_order():
    values = np.array([5.0, 1, 9, 3, 7])
    assert extremes(values, 5) == [0, 1, 2, 3, 4]
    assert extremes(values, 4) == [1, 2, 3, 4]
    assert extremes(values, 2) == [1, 2]


def test_boxes_are_paired_one_to_one_the_right_class_first():
    overlaps = np.array([[0.9, 0.6], [0.8, 0.7], [0.7, 0.2], [0.4, 0.49]])
    truths = np.array([0, 1])
    labels, scores = np.array([1, 0, 0, 1]), np.array([0.9, 0.5, 0.8, 0.99])
    # The third takes the first truth of its class before the better placed second one can; the
    # first takes what is left of its own class; the second finds nothing left.
    assert match_boxes(overlaps, scores, labels, truths).tolist() == [1, -1, 0, -1]
    wrong = match_boxes(overlaps[:1], scores[:1], np.array([2]), truths)
    assert wrong.tolist() == [0]  # of another class, where it overlaps most
    assert match_boxes(overlaps[:1, :0], scores[:1], labels[:1], truths[:0]).tolist() == [-1]
    assert match_boxes(overlaps[:0], scores[:0], labels[:0], truths).tolist() == []


def test_confusion_of_boxes_by_hand():
    labels, truths = np.array([0, 1, 1, 0]), np.array([0, 0, 1])
    matrix = box_confusion(np.array([0, 1, -1, -1]), labels, truths, 2)
    assert matrix.tolist() == [
        [1, 1, 0],  # found; taken for 1
        [0, 0, 1],  # missed
        [1, 1, 0],  # where nothing is
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_box_is_counted_once(seed):
    random = np.random.default_rng(seed)
    predictions, true = random.integers(0, 9, 2)
    labels, truths = random.integers(0, 3, predictions), random.integers(0, 3, true)
    overlaps, scores = random.random((predictions, true)), random.random(predictions)
    matched = match_boxes(overlaps, scores, labels, truths)
    pairs = matched[matched >= 0]
    assert len(set(pairs.tolist())) == len(pairs)
    assert (overlaps[matched >= 0, pairs] >= 0.5).all()
    matrix = box_confusion(matched, labels, truths, 3)
    assert matrix.sum(axis=1)[:-1].tolist() == np.bincount(truths, minlength=3).tolist()
    assert matrix.sum(axis=0)[:-1].tolist() == np.bincount(labels, minlength=3).tolist()
    assert matrix[-1, -1] == 0


def test_f1():
    assert f1(2, 4, 4) == 0.5
    assert f1(0, 3, 0) == 0
    assert np.isnan(f1(0, 0, 0))


def test_folding_keeps_every_count():
    random = np.random.default_rng(0)
    matrix = random.integers(0, 9, (50, 50))
    matrix[7] += 100
    small, names = folded(matrix, [f"{i}" for i in range(50)], 10)
    assert small.shape == (10, 10) and small.sum() == matrix.sum()
    assert "7" in names and names[-1] == "41 others"
    assert small[names.index("7"), names.index("7")] == matrix[7, 7]
