"""Pictures of several modalities: which value becomes which colour."""

import numpy as np
import pytest

from msa_backbone.files.modality_files import Modality
from msa_backbone.plots.grid import side_by_side
from msa_backbone.plots.modality_pictures import modality_pictures

VISIBLE, INFRARED = Modality("visible", 3, mean=[1.0, 2, 3]), Modality("infrared", 1)
DEPTH = Modality("depth", 1, unknown=True)
RNG = np.random.default_rng(0)


def test_colours_and_eight_bits_are_shown_as_they_are():
    stack = RNG.integers(0, 256, (5, 7, 4), np.uint8)
    for values in (stack, stack.astype(np.float32)):
        pictures = modality_pictures(values, (VISIBLE, INFRARED))
        assert list(pictures) == ["visible", "infrared"]
        colour, grey = pictures.values()
        assert colour.dtype == grey.dtype == np.uint8
        assert np.array_equal(colour, stack[..., 2::-1])  # BGR in files, RGB for people
        assert np.array_equal(grey, np.repeat(stack[..., 3:], 3, axis=2))


@pytest.mark.parametrize("values", [(1000, 21_000, 41_000), (20.5, 26, 31.5), (0.25, 0.5, 0.75)])
def test_sixteen_bits_and_fractions_are_stretched(values):
    """Degrees, or 0 to 1, would be black."""
    stack = np.array(values, np.float32).reshape(1, 3, 1)
    picture = modality_pictures(stack, (INFRARED,))["infrared"]
    assert picture[0, :, 0].tolist() == [0, 128, 255]


def test_a_camera_of_sixteen_bits_is_stretched_in_the_dark_too():
    stack = np.array([100, 150, 200], np.float32).reshape(1, 3, 1)
    picture = modality_pictures(stack, (Modality("infrared", 1, mean=8000.0),))["infrared"]
    assert picture[0, :, 0].tolist() == [0, 128, 255]


def test_changed_colours_are_as_bright_as_they_are():
    stack = np.array([[[-3.2, 17.4, 371.1]]], np.float32)
    camera = Modality("visible", 3, mean=[103.5, 116.3, 123.7])
    assert modality_pictures(stack, (camera,))["visible"].tolist() == [[[255, 17, 0]]]


def test_unknown_places_are_black_and_depth_has_colours():
    """A mask for each modality that may have them, behind the channels of all."""
    depth = np.array([[500.0, 4000.0, 0.0]], np.float32)
    known = np.array([[1.0, 1.0, 0.2]], np.float32)
    other = Modality("range", 1, unknown=True)
    stack = np.stack([depth, np.full_like(depth, 7), known, np.ones_like(known)], axis=2)
    first, second = modality_pictures(stack, (DEPTH, other)).values()
    assert first[0, 2].tolist() == [0, 0, 0]
    near, far = first[0, :2].astype(int)
    assert near[2] > near[0] and far[0] > far[2]  # from blue to red
    assert (second == second[0, 0]).all() and second.any()
    stack[..., 2] = 0
    assert not modality_pictures(stack, (DEPTH, other))["depth"].any()


def test_of_other_numbers_of_channels_the_mean_is_shown():
    stack = np.stack([np.full((2, 2), 10), np.full((2, 2), 30)], axis=2).astype(np.uint8)
    picture = modality_pictures(stack, (Modality("two", 2),))["two"]
    assert picture.shape == (2, 2, 3) and (picture == 20).all()


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="3 channels are no picture of visible, depth, which have"):
        modality_pictures(np.zeros((2, 2, 3), np.uint8), (VISIBLE, DEPTH))


def test_pictures_side_by_side():
    a, b = np.zeros((4, 5, 3), np.uint8), np.full((4, 3, 3), 9, np.uint8)
    joined = side_by_side([a, b])
    assert joined.shape == (4, 5 + 6 + 3, 3)
    assert (joined[:, 5:11] == 255).all() and np.array_equal(joined[:, 11:], b)
    assert np.array_equal(side_by_side([a]), a)
