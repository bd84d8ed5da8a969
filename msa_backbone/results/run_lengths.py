"""Masks as COCO's run lengths, in numpy."""

import numpy as np


def run_lengths(mask: np.ndarray) -> dict[str, list[int] | str]:
    """A mask as COCO's json has it: the lengths of its runs of 0 and 1, as text.

    The runs go down the columns and begin with 0. From the fourth on, a run is stored as its
    difference to the one before the last. Numbers are written in groups of 5 bits, the lowest
    first; bit 6 says that more follow.

    Source: rleToString in https://github.com/cocodataset/cocoapi/blob/master/common/maskApi.c

    Args:
        mask: (H, W), bool.
    """
    values = np.asarray(mask, bool).ravel(order="F")
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = [0, *([0] if values[:1].any() else []), *edges.tolist(), len(values)]
    runs = np.diff(starts).tolist()
    text = []
    for number, run in enumerate(runs):
        rest = run - runs[number - 2] if number > 2 else run
        more = True
        while more:
            bits, rest = rest & 31, rest >> 5
            more = rest != (-1 if bits & 16 else 0)
            text.append(chr(48 + (bits | 32 if more else bits)))
    return {"size": [int(side) for side in mask.shape], "counts": "".join(text)}
