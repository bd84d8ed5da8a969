"""Masks of single objects: every malformed form is found, and nothing undefined is decoded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from msa_backbone.data.formats.instance_masks import (
    MALFORMED,
    decode_mask,
    draw_index_mask,
    encode_mask,
    is_apart,
    mask_area,
    mask_box,
    mask_defect,
    run_lengths,
)
from msa_backbone.errors import DataError


def runs_of(mask: np.ndarray) -> list[int]:
    """The lengths of the runs of equal pixels, down the columns, of background first."""
    flat = mask.flatten(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *runs] if flat[0] else runs


def compressed(height: int, width: int) -> str:
    return encode_mask(np.eye(height, width, dtype=bool))["counts"]


@settings(max_examples=200, deadline=None)
@given(
    hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40)),
    st.integers(1, 60),
    st.integers(1, 3),
)
def test_run_lengths_agree_with_pycocotools(mask, stretch, other):
    mask = np.kron(mask, np.ones((stretch, other), bool)).astype(bool)
    code = encode_mask(mask)
    assert run_lengths(code["counts"]) == runs_of(mask)
    height, width = mask.shape
    assert mask_defect(code, width, height) == (None if mask.any() else "mask without a pixel")
    assert np.array_equal(decode_mask(code, height, width), mask)
    assert mask_area(code, height, width) == mask.sum()


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=12))
def test_any_text_is_a_code_that_fills_the_image_or_malformed(text):
    code = {"size": [6, 8], "counts": text}
    runs = run_lengths(text)
    if runs is not None and min(runs, default=0) >= 0 and sum(runs) == 48:
        expected = np.repeat(np.arange(len(runs)) % 2, runs).reshape(8, 6).T
        assert np.array_equal(decode_mask(code, 6, 8), expected)
    else:
        assert mask_defect(code, 8, 6) == MALFORMED
        with pytest.raises(DataError):
            decode_mask(code, 6, 8)


BAD = {
    "flat": [10, 8, 34, 8, 34, 28, 10, 28],
    "pairs": [[[10, 8], [34, 8], [34, 28]]],
    "two points": [[10, 8, 34, 28]],
    "nothing inside": [[]],
    "odd number": [[10, 8, 34, 8, 34, 28, 10]],
    "one bad of two": [[10, 8, 34, 8, 34, 28], [1, 2, 3, 4]],
    "not a number": [[10, 8, 34, 8, 34, float("nan")]],
    "text": [[10, 8, 34, 8, 34, "28"]],
    "truth values": [[10, 8, 34, 8, 34, True]],
    "far away": [[10, 8, 34, 8, 34, 1e12]],
    "a word": "polygon",
    "runs that end early": {"size": [48, 64], "counts": [100, 20]},
    "runs that go on": {"size": [48, 64], "counts": [100, 20, 3000]},
    "negative runs": {"size": [48, 64], "counts": [-100, 172, 3000]},
    "runs of truth values": {"size": [48, 64], "counts": [True, 3071]},
    "swapped size": {"size": [64, 48], "counts": [100, 20, 2952]},
    "no size": {"counts": [100, 20, 2952]},
    "no counts": {"size": [48, 64]},
    "code of a larger image": {"size": [48, 64], "counts": compressed(96, 128)},
    "code of a smaller image": {"size": [48, 64], "counts": compressed(16, 16)},
    "garbage": {"size": [48, 64], "counts": "hello world ~~~ \u00e4"},
    "empty code": {"size": [48, 64], "counts": ""},
    "negative code": {"size": [48, 64], "counts": "0O5"},
    "code that breaks off": {"size": [48, 64], "counts": compressed(48, 64) + "P"},
    "endless number": {"size": [48, 64], "counts": "`" * 40 + "1"},
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_segmentations(name):
    assert mask_defect(BAD[name], 64, 48) == MALFORMED
    assert mask_area(BAD[name], 48, 64) is None and mask_box(BAD[name], 48, 64) is None
    with pytest.raises(DataError, match=MALFORMED):
        decode_mask(BAD[name], 48, 64)
    with pytest.raises(DataError, match=MALFORMED):
        draw_index_mask([({"segmentation": BAD[name], "area": 1}, 1)], 48, 64)


@pytest.mark.parametrize("segmentation", [None, [], {}])
def test_no_segmentation_is_no_defect(segmentation):
    assert mask_defect(segmentation, 64, 48) is None


@pytest.mark.parametrize(
    "polygon",
    [
        [10, 8, 34, 8, 34, 28, 10, 28],
        [10, 8, 34, 8, 34, 28, 10, 28, 10, 8],  # closed
        [-6, 8, 80, 8, 80, 28, -6, 28],  # beyond the image
    ],
)
def test_sound_polygons_are_drawn_as_pycocotools_draws_them(polygon):
    expected = coco_mask.decode(coco_mask.frPyObjects([polygon], 48, 64))[..., 0].astype(bool)
    assert mask_defect([polygon], 64, 48) is None
    assert np.array_equal(decode_mask([polygon], 48, 64), expected)
    assert mask_area([polygon], 48, 64) == expected.sum()


@pytest.mark.parametrize(
    ("polygon", "apart"),
    [
        ([[6, 6, 20, 6, 20, 20]], False),
        ([[40, 30, 60, 30, 60, 45]], True),
        ([[24, 6, 40, 6, 40, 20]], True),  # from the box's right edge on
        ([[20, 6, 40, 6, 40, 20]], False),
        ([[40, 30, 60, 30, 60, 45], [6, 6, 20, 6, 20, 20]], False),  # begins outside
    ],
)
@pytest.mark.parametrize("as_code", [False, True])
def test_a_mask_apart_from_its_box(polygon, apart, as_code):
    mask = encode_mask(decode_mask(polygon, 48, 64)) if as_code else polygon
    assert is_apart(mask, [4, 4, 20, 20], 48, 64) == apart
