"""The steps from pictures to a network's input as nodes of an ONNX graph."""

from collections.abc import Sequence

import numpy as np
import onnx_ir as ir

from ..openmmlab.multi_modal_preprocessor import MOSTLY_KNOWN
from .graph_writer import GraphWriter
from .picture_steps import Camera, PictureSteps
from .resizing_graph import resized
from .runtime.file_info import PRESENT


def take_pictures(
    model: ir.Model, steps: PictureSteps, batch: int | str, size: Sequence[int] | None
) -> None:
    """Put the steps in front of a network, in place.

    The model gets an input for each camera, (batch, height, width, channels) of the steps' dtype.
    Of cameras that have names it also gets `PRESENT`, flags of bool, one a camera: what is absent
    counts as zeros behind the normalisation, whatever its picture holds.

    Args:
        model: its inputs are the pictures as the network takes them, (N, C, H, W), their sizes
            without padding and those before resizing, (2,), all float; others behind them stay.
        steps: what to put before it.
        batch: how many pictures at a time; a name allows any number.
        size: height and width of the pictures; None allows any.
    """
    graph = model.graph
    height, width = size or ("height", "width")
    dtype = ir.DataType.UINT8 if steps.dtype == "uint8" else ir.DataType.FLOAT
    pictures = [
        ir.val(camera.name, dtype=dtype, shape=(batch, height, width, camera.channels))
        for camera in steps.cameras
    ]
    flags = []
    if steps.named:
        flags.append(ir.val(PRESENT, dtype=ir.DataType.BOOL, shape=(len(pictures),)))
    g = GraphWriter()
    made = _prepare(g, pictures, flags[0] if steps.named else None, steps)
    others = graph.inputs[len(made) :]
    for old, new in zip(graph.inputs, made, strict=False):
        ir.convenience.replace_all_uses_with(old, new)
    graph.inputs[:] = [*pictures, *flags, *others]
    graph.insert_before(graph[0], g.tape.nodes)


def _prepare(
    g: GraphWriter, pictures: Sequence[ir.Value], present: ir.Value | None, steps: PictureSteps
) -> tuple[ir.Value, ir.Value, ir.Value]:
    """The network's three inputs from each camera's picture, (N, H, W, C)."""
    original = g.op("Shape", pictures[0], start=1, end=3)
    x = pictures[0] if present is None else _stack(g, pictures, steps.cameras)
    x = g.op("Transpose", x, perm=[0, 3, 1, 2])
    x = g.op("Cast", x, to=ir.DataType.FLOAT)
    size = original
    for step in steps.resizing:
        x, size = resized(g, x, size, step, steps.dtype)
    if present is None:
        x = _normalise(g, x, steps.cameras[0])
    else:
        x = _normalise_all(g, x, present, steps.cameras)
    if steps.divisor > 1:
        x = _pad(g, x, size, steps)
    sizes = (g.op("Cast", value, to=ir.DataType.FLOAT) for value in (size, original))
    return (x, *sizes)


def _stack(g: GraphWriter, pictures: Sequence[ir.Value], cameras: Sequence[Camera]) -> ir.Value:
    """All channels, then a mask of what is known for each camera with unknown places."""
    values, masks = [], []
    for picture, camera in zip(pictures, cameras, strict=True):
        if camera.unknown:
            infinite = g.op("Or", g.op("IsNaN", picture), g.op("IsInf", picture))
            size = g.op("Abs", g.op("Where", infinite, np.float32(0), picture))
            nonzero = g.op("Greater", _largest(g, size), np.float32(0))
            infinite = _largest(g, g.op("Cast", infinite, to=ir.DataType.FLOAT))
            known = g.op("And", nonzero, g.op("Less", infinite, np.float32(0.5)))
            picture = g.op("Where", known, picture, np.float32(0))
            masks.append(g.op("Cast", known, to=ir.DataType.FLOAT))
        values.append(picture)
    return g.op("Concat", *values, *masks, axis=3)


def _largest(g: GraphWriter, x: ir.Value) -> ir.Value:
    """Over the channels of (N, H, W, C)."""
    return g.op("ReduceMax", x, np.int64([3]), keepdims=1)


def _normalise_all(
    g: GraphWriter, x: ir.Value, present: ir.Value, cameras: Sequence[Camera]
) -> ir.Value:
    """Each camera by itself; zeros for those that are absent, and for what is unknown.

    As the preprocessor has it: values over the share of known places that they came from, where
    this share is a half or more.
    """
    parts, start, mask = [], 0, sum(camera.channels for camera in cameras)
    for number, camera in enumerate(cameras):
        part = _channels(g, x, start, start + camera.channels)
        start += camera.channels
        valid = g.op("Gather", present, np.int64([number]))
        if camera.unknown:
            share = _channels(g, x, mask, mask + 1)
            mask += 1
            known = g.op("GreaterOrEqual", share, np.float32(MOSTLY_KNOWN))
            part, valid = g.op("Div", part, share), g.op("And", valid, known)
        part = _normalise(g, part, camera)
        parts.append(g.op("Where", valid, part, np.float32(0)))
    return g.op("Concat", *parts, axis=1)


def _channels(g: GraphWriter, x: ir.Value, start: int, end: int) -> ir.Value:
    return g.op("Slice", x, np.int64([start]), np.int64([end]), np.int64([1]))


def _normalise(g: GraphWriter, x: ir.Value, camera: Camera) -> ir.Value:
    """(N, C, H, W), colours as RGB -> in the network's order, normalised."""
    if camera.channels == 3 and not camera.rgb:
        x = g.op("Gather", x, np.int64([2, 1, 0]), axis=1)
    if camera.mean is None:
        return x
    mean, std = (np.float32(v).reshape(1, -1, 1, 1) for v in (camera.mean, camera.std))
    return g.op("Div", g.op("Sub", x, mean), std)


def _pad(g: GraphWriter, x: ir.Value, size: ir.Value, steps: PictureSteps) -> ir.Value:
    negative = g.op("Neg", size)
    missing = g.op("Mod", negative, np.int64([steps.divisor]))  # has the divisor's sign
    pads = g.op("Concat", np.zeros(6, np.int64), missing, axis=0)
    return g.op("Pad", x, pads, np.float32(steps.pad_value))
