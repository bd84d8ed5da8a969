"""Tiles: every pixel is seen, and what several tiles have found is there once."""

from itertools import pairwise

import numpy as np
import pytest

from msa_backbone.errors import DataError
from msa_backbone.results.objects import Objects
from msa_backbone.results.segmentation import Segmentation
from msa_backbone.results.tiles import Tiled, tiles_of

PALETTE = ((255, 0, 0), (0, 255, 0), (0, 0, 255))
CLASSES = ("ant", "bee", "cat")


class Oracle:
    """Finds the rectangles of one colour that a picture holds: what of them lies inside of it.

    A rectangle's red value is its number, its green value its class.
    """

    classes, modalities, absent, thresholds, questions = CLASSES, (), (), None, ()

    def __init__(self, task: str = "detection") -> None:
        self.task, self.seen = task, []

    def find(self, pictures, names):
        return [self._find(picture) for picture in pictures]

    def _find(self, picture):
        self.seen.append(picture.shape[:2])
        if self.task == "semantic segmentation":
            logits = np.stack([(picture[..., 1] == label) * 4.0 for label in range(3)])
            return Segmentation(logits.argmax(0).astype(np.uint8), logits, CLASSES, PALETTE)
        boxes, labels, masks, scores = [], [], [], []
        for number in np.unique(picture[..., 0])[1:]:
            mask = picture[..., 0] == number
            rows, columns = np.nonzero(mask)
            boxes.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            labels.append(int(picture[mask][0, 1]))
            masks.append(mask)
            scores.append(0.5 + mask.sum() / mask.size / 2)
        boxes = np.array(boxes, np.float32).reshape(-1, 4)
        masks = np.array(masks, bool).reshape(-1, *picture.shape[:2])
        masks = masks if self.task == "instance segmentation" else None
        return Objects(boxes, np.array(scores), np.array(labels, int), CLASSES, PALETTE, masks)


def scene(boxes, size=(500, 700)) -> np.ndarray:
    picture = np.zeros((*size, 3), np.uint8)
    for number, (left, top, right, bottom) in enumerate(boxes, 1):
        picture[top:bottom, left:right] = number, number % 3, 0
    return picture


@pytest.mark.parametrize("size", [(500, 700), (256, 256), (100, 900), (257, 511), (30, 40)])
@pytest.mark.parametrize("overlap", [0.0, 0.2, 0.5])
def test_tiles_cover_a_picture_and_overlap(size, overlap):
    count = np.zeros(size, int)
    tiles = list(tiles_of(size, 256, overlap))
    for left, top, right, bottom in tiles:
        assert (bottom - top, right - left) == tuple(min(256, side) for side in size)
        count[top:bottom, left:right] += 1
    assert count.min() == 1
    columns = sorted({left for left, *_ in tiles})
    assert all(b - a <= 256 * (1 - overlap) + 1 for a, b in pairwise(columns))


@pytest.mark.parametrize("task", ["detection", "instance segmentation"])
def test_every_object_is_found_once_and_whole(task):
    """Small ones, one across four tiles, and one that is larger than a tile."""
    boxes = [(10, 10, 40, 50), (180, 170, 260, 250), (50, 300, 600, 360), (420, 20, 470, 60),
             (600, 100, 650, 480), (190, 20, 230, 60)]  # fmt: skip
    picture = scene(boxes)
    found = Tiled(Oracle(task), 256, 0.2).find([picture], ["a"])[0]
    order = np.lexsort(found.boxes.T)
    expected = np.array(boxes, np.float32)
    assert np.array_equal(found.boxes[order], expected[np.lexsort(expected.T)])
    assert np.all(np.diff(found.scores) <= 0)
    for box, label in zip(found.boxes, found.labels, strict=True):
        left, top = box[:2].astype(int)
        assert label == picture[top, left, 1]
    if task == "instance segmentation":
        for mask, box in zip(found.masks, found.boxes.astype(int), strict=True):
            assert mask.sum() == (box[2] - box[0]) * (box[3] - box[1])
            assert mask[box[1] : box[3], box[0] : box[2]].all()


def test_only_objects_that_count_get_masks_as_large_as_the_picture():
    boxes = [(10, 10, 40, 50), (180, 170, 260, 250), (300, 100, 330, 130)]
    oracle, picture = Oracle("instance segmentation"), scene(boxes)
    every = Tiled(oracle, 256, 0.2).find([picture], ["a"])[0]
    for least in (every.scores[1], [0.0, every.scores.max() + 0.1, 0.0]):  # one for each class
        some = Tiled(oracle, 256, 0.2, least).find([picture], ["a"])[0]
        expected = every.above(least)
        assert 0 < len(some) < len(every) and np.array_equal(some.boxes, expected.boxes)
        assert np.array_equal(some.masks, expected.masks)


def test_neighbours_stay_apart():
    """Rows of equal objects, side by side, over the overlap of two tiles."""
    boxes = [(x, y, x + 18, y + 18) for y in range(0, 480, 20) for x in range(0, 240, 20)]
    boxes = [box for n, box in enumerate(boxes) if n < 254]
    found = Tiled(Oracle(), 200, 0.3).find([scene(boxes, (500, 260))], ["a"])[0]
    assert len(found) == len(boxes)
    assert {tuple(box) for box in found.boxes.astype(int).tolist()} == set(boxes)


def test_nothing_is_found():
    found = Tiled(Oracle("instance segmentation"), 256).find([scene([])], ["a"])[0]
    assert found.boxes.shape == (0, 4) and found.masks.shape == (0, 500, 700)


def test_classes_of_pixels_are_blended():
    picture = scene([(10, 10, 600, 300), (300, 320, 650, 480)])
    oracle = Oracle("semantic segmentation")
    found = Tiled(oracle, 256, 0.2).find([picture], ["a"])[0]
    assert np.array_equal(found.labels, picture[..., 1])
    assert found.logits.shape == (3, 500, 700) and np.allclose(found.logits.max(0), 4)
    assert set(oracle.seen) == {(256, 256)}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8])
def test_one_channel_is_above_its_threshold(threshold):
    class OneChannel(Oracle):
        def _find(self, picture):
            chance = np.where(picture[..., 1] == 1, threshold + 0.05, threshold - 0.05)[None]
            logits = np.log(chance / (1 - chance))
            labels = (chance[0] > threshold).astype(np.uint8)
            return Segmentation(labels, logits, CLASSES[:2], PALETTE, threshold)

    picture = scene([(10, 10, 600, 300)])
    found = Tiled(OneChannel("semantic segmentation"), 256).find([picture], ["a"])[0]
    assert np.array_equal(found.labels, picture[..., 1])


def test_a_tile_counts_less_near_its_border():
    class Half(Oracle):
        def _find(self, picture):
            self.seen.append(1)
            logits = np.zeros((2, *picture.shape[:2]))
            logits[len(self.seen) - 1] = 1.0  # the left tile says 0, the right one 1
            return Segmentation(logits.argmax(0), logits, CLASSES, PALETTE)

    found = Tiled(Half("semantic segmentation"), 100, 0.5).find([scene([], (100, 150))], ["a"])[0]
    middle = found.logits[1, 50, 50:100]
    assert np.all(np.diff(middle) > 0) and middle[0] < 0.05 and middle[-1] > 0.95
    assert found.labels[50].tolist() == [0] * 75 + [1] * 75


def test_a_small_picture_is_one_tile():
    oracle = Oracle()
    Tiled(oracle, 256).find([scene([(1, 1, 9, 9)], (200, 256))], ["a"])
    assert oracle.seen == [(200, 256)]


def test_what_cannot_be_joined_is_refused():
    with pytest.raises(DataError, match="--tiles joins boxes and masks, and the model is for"):
        Tiled(Oracle("classification"), 256)
    with pytest.raises(DataError, match="--overlap 1: give a part of a tile"):
        Tiled(Oracle(), 256, 1)
