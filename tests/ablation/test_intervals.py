"""Differences with intervals: known ones, and a bootstrap beside the normal distribution."""

import math

import numpy as np
import pytest

from msa_backbone.ablation.intervals import difference, intervals_table
from msa_backbone.ablation.outcomes import Boxes, Outcomes

NAMES = [f"{n}_{'night' if n % 4 == 0 else 'day'}.png" for n in range(400)]


def run(share: float, seed: int) -> Outcomes:
    random = np.random.default_rng(seed)
    return Outcomes(NAMES, right=(random.random(len(NAMES)) < share).tolist())


def test_equal_runs_and_runs_that_differ_everywhere():
    some = {0: run(0.5, 0), 1: run(0.5, 1)}
    (found,) = difference(some, some, draws=50).values()
    assert (found.difference, found.low, found.high) == (0, 0, 0)
    all_right, all_wrong = {0: run(1.0, 0)}, {0: run(0.0, 0)}
    (found,) = difference(all_right, all_wrong, draws=50).values()
    assert str(found) == "+100.00 [+100.00, +100.00]"
    assert difference({0: run(1, 0)}, {1: run(0, 0)}) == {}  # no common seed


def test_the_interval_of_one_seed_is_the_normal_ones():
    """The mean of n differences has the standard deviation of one of them over the root of n."""
    one, other = run(0.7, 0), run(0.6, 1)
    single = 100 * (np.array(one.right, float) - np.array(other.right, float))
    reach = 1.96 * single.std() / math.sqrt(len(NAMES))
    found = difference({5: one}, {5: other})["top-1"]
    assert found.difference == pytest.approx(single.mean())
    assert found.low == pytest.approx(single.mean() - reach, abs=0.15 * reach)
    assert found.high == pytest.approx(single.mean() + reach, abs=0.15 * reach)


def test_seeds_that_differ_widen_the_interval():
    reference = {seed: run(0.5, seed) for seed in (0, 1, 2)}
    even = {seed: run(0.6, 10 + seed) for seed in (0, 1, 2)}
    uneven = {seed: run(share, 10 + seed) for seed, share in ((0, 0.4), (1, 0.6), (2, 0.8))}
    widths = []
    for variant in (even, uneven):
        found = difference(variant, reference, draws=300)["top-1"]
        assert found.low < found.difference < found.high
        widths.append(found.high - found.low)
    assert widths[1] > 1.5 * widths[0]


def test_a_part_of_the_images():
    right = {0: Outcomes(NAMES, right=[name.endswith("night.png") for name in NAMES])}
    wrong = {0: Outcomes(NAMES, right=[False] * len(NAMES))}
    assert difference(right, wrong, "*night*", 20)["top-1"].low == 100
    assert difference(right, wrong, "*day*", 20)["top-1"].high == 0
    table = intervals_table({"ours": right, "plain": wrong}, "plain", {"night": "*night*"})
    assert "| variant | images | score | seeds | difference to plain [95 %] |" in table
    assert "| ours | night | top-1 | 1 | +100.00 [+100.00, +100.00] |" in table
    assert "| ours | all | top-1 | 1 | +25.00 [" in table
    with pytest.raises(
        ValueError, match=r"no test image is named like 'dusk\*'; the first is 0_ni"
    ):
        difference(right, wrong, "dusk*")
    with pytest.raises(ValueError, match="the runs were tested on different images"):
        difference(right, {0: Outcomes(NAMES[::-1], right=[True] * len(NAMES))})


@pytest.mark.parametrize(("classes", "shown"), [(2, 3), (10, 11), (11, 1)])
def test_many_classes_are_only_their_mean(classes, shown):
    names = list("abcdef")
    good = {str(c): Boxes([0, 1], [True, True], [1] * 6) for c in range(classes)}
    bad = {str(c): Boxes([0, 1], [False, True], [1] * 6) for c in range(classes)}
    runs = {"plain": {0: Outcomes(names, boxes=bad)}, "ours": {0: Outcomes(names, boxes=good)}}
    assert len(intervals_table(runs, "plain", {}).splitlines()) == 2 + shown


def test_images_are_named_by_file_or_path():
    names = [f"{part}/{n}.png" for part in ("night", "day") for n in range(5)]
    one, other = ({0: Outcomes(names, right=[r] * 10)} for r in (True, False))
    whole = [f"/somewhere/test/{name}" for name in names]
    of_whole = ({0: Outcomes(whole, right=[r] * 10)} for r in (True, False))
    for pattern in ("night/*", "[0-4].png", "*/4.png", "4.png"):
        assert difference(one, other, pattern, 5)["top-1"].low == 100
    assert difference(*of_whole, "night/*", 5)["top-1"].low == 100


def test_nothing_to_compare():
    boxes = {"a": Boxes([0], [True], [1] * 5 + [0] * 5)}
    runs = {0: Outcomes([f"{n}.png" for n in range(10)], boxes=boxes)}
    assert set(difference(runs, runs, "[0-4].png", 5)) == {"box AP50", "box AP50 a"}
    assert difference(runs, runs, "[5-9].png", 5) == {}  # no object there
    table = intervals_table({"plain": runs, "ours": runs}, "plain", {"bare": "[5-9].png"})
    assert table.endswith("| ours | bare | - | 1 | - |")
    with pytest.raises(ValueError, match="no seed of plain is one of another variant's"):
        intervals_table({"plain": runs, "ours": {1: runs[0]}}, "plain", {})


def test_a_class_in_few_images_has_no_interval():
    boxes = {
        "often": Boxes([0], [True], [1] * 6),
        "rare": Boxes([0], [True], [1] * 4 + [0] * 2),
    }
    runs = {0: Outcomes(list("abcdef"), boxes=boxes)}
    assert set(difference(runs, runs, draws=20)) == {"box AP50", "box AP50 often"}
    others = {0: Outcomes(list("abcdef"), boxes={"often": boxes["often"]})}
    with pytest.raises(ValueError, match="tested on different images or classes"):
        difference(runs, others)
