"""The steps of a pipeline that change a picture's size as nodes of an ONNX graph.

Resizing is cv2's, bilinear and without antialiasing: of uint8 in its whole numbers, so that the
picture is the same, and of float32 in float32.
"""

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from ..config_nodes import type_name
from .graph_writer import GraphWriter


def resized(
    g: GraphWriter, x: ir.Value, size: ir.Value, step: Mapping, dtype: str
) -> tuple[ir.Value, ir.Value]:
    """Pictures and their height and width behind a step.

    Args:
        x: (N, C, H, W), float.
        size: H and W, int64.
        step: of the config, of a type in `picture_steps.RESIZING`.
        dtype: of the pictures, 'uint8' or 'float32'.
    """
    if type_name(step) == "CenterCrop":
        x = _crop(g, x, size, step)
        return x, g.op("Shape", x, start=2, end=4)
    new = _new_size(g, size, step)
    resize = _resize_whole_numbers if dtype == "uint8" else _resize
    return resize(g, x, size, new), new


def _new_size(g: GraphWriter, size: ir.Value, step: Mapping) -> ir.Value:
    """Height and width after a step, int64; in float64, as Python computes them."""
    scale = step["scale"]
    if type_name(step) == "Resize" and not step.get("keep_ratio", False):
        width, height = (scale, scale) if isinstance(scale, int) else scale
        return g.value(np.int64([height, width]))
    sides = g.op("Cast", size, to=ir.DataType.DOUBLE)
    short, long = (g.op(f"Reduce{kind}", sides, keepdims=1) for kind in ("Min", "Max"))
    if type_name(step) == "Resize":  # as large as fits into both sides of the scale
        pair = (scale, scale) if isinstance(scale, int) else scale
        by_long, by_short = _over(g, max(pair), long), _over(g, min(pair), short)
        sides = g.op("Mul", sides, g.op("Min", by_long, by_short))
        sides = g.op("Add", sides, np.float64([0.5]))
    else:  # ResizeEdge: one edge gets the scale
        height, width = (g.op("Gather", sides, [side]) for side in (0, 1))
        edges = {"short": short, "long": long, "width": width, "height": height}
        sides = g.op("Mul", sides, np.float64([scale]))
        sides = g.op("Div", sides, edges[step.get("edge", "short")])
    return g.op("Cast", g.op("Floor", sides), to=ir.DataType.INT64)


def _over(g: GraphWriter, number: int, value: ir.Value) -> ir.Value:
    """number / value, of whole numbers in float64.

    OpenVINO 2026.4 turns a constant over a value upside down where sizes come of it. So the
    number is no constant here: what is added is taken away again, exactly.
    """
    number = g.op("Sub", g.op("Add", value, np.float64([number])), value)
    return g.op("Div", number, value)


def _resize(g: GraphWriter, x: ir.Value, old: ir.Value, new: ir.Value) -> ir.Value:
    """cv2's bilinear resizing of float32."""
    for side in (1, 0):
        before, after, by_before, by_after = _neighbours(g, old, new, side)
        if side == 0:
            by_before, by_after = (
                g.op("Unsqueeze", share, np.int64([1])) for share in (by_before, by_after)
            )
        x = g.op(
            "Add",
            g.op("Mul", g.op("Gather", x, before, axis=2 + side), by_before),
            g.op("Mul", g.op("Gather", x, after, axis=2 + side), by_after),
        )
    return x


def _resize_whole_numbers(g: GraphWriter, x: ir.Value, old: ir.Value, new: ir.Value) -> ir.Value:
    """cv2's bilinear resizing of uint8, in the same whole numbers.

    It cuts off fractions twice, so that one value in eight is 1 below the rounded mean. A
    trained detector shows the difference: up to a pixel in its boxes.
    """
    x = g.op("Cast", x, to=ir.DataType.INT32)
    left, right, *shares = _neighbours(g, old, new, side=1)
    by_left, by_right = (_of_2048(g, share) for share in shares)
    top, bottom, *shares = _neighbours(g, old, new, side=0)
    by_top, by_bottom = (_of_2048(g, share) for share in shares)
    x = g.op(
        "Add",
        g.op("Mul", g.op("Gather", x, left, axis=3), by_left),
        g.op("Mul", g.op("Gather", x, right, axis=3), by_right),
    )
    x = g.op("Div", x, np.int32(16))
    rows = ((top, by_top), (bottom, by_bottom))
    parts = [
        g.op(
            "Div",
            g.op(
                "Mul",
                g.op("Gather", x, row, axis=2),
                g.op("Unsqueeze", weights, np.int64([1])),
            ),
            np.int32(65536),
        )
        for row, weights in rows
    ]
    x = g.op("Add", g.op("Add", *parts), np.int32(2))
    return g.op("Cast", g.op("Div", x, np.int32(4)), to=ir.DataType.FLOAT)


def _neighbours(g: GraphWriter, old: ir.Value, new: ir.Value, side: int) -> tuple[ir.Value, ...]:
    """For each new pixel along a side the two old ones beside it, and their shares of one."""
    before, after = (g.op("Gather", size, [side]) for size in (old, new))
    ratio = g.op(
        "Div",
        g.op("Cast", after, to=ir.DataType.DOUBLE),
        g.op("Cast", before, to=ir.DataType.DOUBLE),
    )
    numbers = g.op("Range", np.int64(0), g.op("Squeeze", after), np.int64(1))
    middles = g.op("Cast", numbers, to=ir.DataType.DOUBLE)
    middles = g.op("Add", middles, np.float64(0.5))
    places = g.op("Mul", middles, g.op("Div", np.float64(1), ratio))
    places = g.op("Sub", places, np.float64(0.5))
    places = g.op("Cast", places, to=ir.DataType.FLOAT)
    floor = g.op("Floor", places)
    fraction = g.op("Sub", places, floor)
    first = g.op("Cast", floor, to=ir.DataType.INT64)
    second = g.op("Add", first, np.int64(1))
    last = g.op("Sub", before, np.int64(1))
    inside = [g.op("Max", g.op("Min", place, last), np.int64([0])) for place in (first, second)]
    return (*inside, g.op("Sub", np.float32(1), fraction), fraction)


def _of_2048(g: GraphWriter, share: ir.Value) -> ir.Value:
    rounded = g.op("Round", g.op("Mul", share, np.float32(2048)))
    return g.op("Cast", rounded, to=ir.DataType.INT32)


def _crop(g: GraphWriter, x: ir.Value, size: ir.Value, step: Mapping) -> ir.Value:
    """The middle, of this height and width or what there is of it."""
    side = step["crop_size"]
    width, height = (side, side) if isinstance(side, int) else side
    wanted = g.op("Min", np.int64([height, width]), size)
    spare = g.op("Cast", g.op("Sub", size, wanted), to=ir.DataType.DOUBLE)
    start = g.op("Round", g.op("Mul", spare, np.float64([0.5])))
    start = g.op("Cast", start, to=ir.DataType.INT64)
    return g.op("Slice", x, start, g.op("Add", start, wanted), np.int64([2, 3]))
