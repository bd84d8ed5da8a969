"""Subsets of images are distributed as all images are, whatever the seed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msa_backbone.data.subset.sampling import distance, representative_images


def random_objects(images, classes, seed=0, mean=4):
    """Few frequent and many rare classes, as real data have them."""
    generator = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, classes + 1)
    rates = frequency[:, None] / frequency.sum() * np.array([0.4, 0.4, 0.2]) * mean
    return generator.poisson(rates, (images, classes, 3))


def shares(values):
    return values / values.sum()


def test_distances_by_hand():
    # Image 0: two small cats. Image 1: a large dog. Image 2: nothing. Image 3: a medium cat.
    objects = np.zeros((4, 2, 3), int)
    objects[0, 0, 0], objects[1, 1, 2], objects[3, 0, 1] = 2, 1, 1
    found = distance(objects, np.array([0, 1]))
    assert found.classes == pytest.approx(0.5 * (abs(2 / 3 - 3 / 4) + abs(1 / 3 - 1 / 4)))
    assert found.sizes == pytest.approx(
        0.5 * (abs(2 / 3 - 2 / 4) + abs(0 - 1 / 4) + abs(1 / 3 - 1 / 4))
    )
    assert found.objects == pytest.approx(3 / (2 * 4 / 4) - 1)
    assert found.empty == pytest.approx(1 / 4)
    whole = distance(objects, np.arange(4))
    assert (whole.classes, whole.sizes, whole.objects, whole.empty) == (0, 0, 0, 0)


def test_it_is_the_best_of_all_choices_where_all_can_be_tried():
    from itertools import combinations

    objects = random_objects(10, 4, seed=3, mean=2)

    def cost(chosen):
        found = distance(objects, np.array(chosen))
        return found.classes + 0.3 * found.sizes + 0.1 * found.objects + 0.3 * found.empty

    best = min(map(cost, combinations(range(10), 5)))
    found = [cost(representative_images(objects, 5, seed, min_objects=0)) for seed in range(5)]
    assert min(found) == pytest.approx(best)
    assert np.mean(found) <= best + 0.01


@pytest.mark.slow
def test_it_is_much_closer_than_a_random_draw():
    objects = random_objects(300, 40)
    own, drawn = [], []
    for seed in range(3):
        own.append(distance(objects, representative_images(objects, 100, seed)).classes)
        draw = np.random.default_rng(seed).permutation(300)[:100]
        drawn.append(distance(objects, draw).classes)
    assert np.mean(own) < 0.25 * np.mean(drawn)


def test_large_sets_take_other_steps_and_come_closer_still():
    objects = random_objects(5000, 40)
    chosen = representative_images(objects, 500, seed=1)
    assert len(set(chosen)) == 500 and distance(objects, chosen).classes < 0.005


def test_a_minimum_of_objects_goes_before_everything_else():
    objects = random_objects(60, 10, seed=5)
    chosen = representative_images(objects, 20, seed=0, min_objects=6)
    available = objects.sum(axis=(0, 2))
    assert (objects[chosen].sum(axis=(0, 2)) >= np.minimum(available, 6)).all()


def test_rare_classes_of_large_sets_stay():
    """Swaps among thousands of images would hardly meet the two holders of a rare class."""
    objects = np.zeros((20_000, 12, 3), int)
    objects[np.arange(20_000), np.arange(20_000) % 2, 1] = 3
    for rare in range(2, 12):
        objects[[100 * rare, 15_000 + rare], rare, 0] = 1
    chosen = representative_images(objects, 60, seed=0)
    assert objects[chosen].any(axis=(0, 2)).all()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    images=st.integers(2, 40),
    classes=st.integers(1, 12),
    mean=st.sampled_from([0, 0.3, 3]),
    share=st.floats(0.5, 1),
)
def test_any_data(seed, images, classes, mean, share):
    """As many distinct images as asked for; the same again; classes of several images stay."""
    objects = random_objects(images, classes, seed, mean)
    number = max(1, round(share * images))
    chosen = representative_images(objects, number, seed)
    assert len(set(chosen)) == number and (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, representative_images(objects, number, seed))
    found = distance(objects, chosen)
    assert 0 <= found.classes <= 1 and 0 <= found.sizes <= 1
    if number >= classes + images // 2:  # room for an image of every class, and for swaps
        has = objects.sum(axis=2) > 0
        assert has[chosen].any(axis=0)[has.sum(axis=0) > 1].all()


@pytest.mark.parametrize("number", [0, 5])
def test_impossible_numbers(number):
    with pytest.raises(ValueError, match=f"cannot choose {number} of 4 images"):
        representative_images(np.zeros((4, 1, 3), int), number, seed=0)
