"""The steps from pictures to a network's input as nodes of an ONNX graph.

Resizing is cv2's, bilinear and without antialiasing, in its whole numbers: the picture is the same.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx_ir as ir

from ..config_nodes import type_name
from .picture_steps import Camera, PictureSteps
from .runtime.file_info import PRESENT


def take_pictures(
    model: ir.Model, steps: PictureSteps, batch: int | str, size: Sequence[int] | None
) -> None:
    """Put the steps in front of a network, in place.

    The model gets an input for each camera, (batch, height, width, channels) of uint8. Of several
    cameras it also gets `PRESENT`, flags of bool, one a camera: what is absent counts as zeros
    behind the normalisation, whatever its picture holds.

    Args:
        model: its inputs are the pictures as the network takes them, (N, C, H, W), their sizes
            without padding and those before resizing, (2,), all float; others behind them stay.
        steps: what to put before it.
        batch: how many pictures at a time; a name allows any number.
        size: height and width of the pictures; None allows any.
    """
    graph = model.graph
    height, width = size or ("height", "width")
    pictures = [
        ir.val(camera.name, dtype=ir.DataType.UINT8, shape=(batch, height, width, camera.channels))
        for camera in steps.cameras
    ]
    several = len(pictures) > 1
    flags = [ir.val(PRESENT, dtype=ir.DataType.BOOL, shape=(len(pictures),))] if several else []
    nodes = _Nodes()
    made = nodes.prepare(pictures, flags[0] if several else None, steps)
    others = graph.inputs[len(made) :]
    for old, new in zip(graph.inputs, made, strict=False):
        ir.convenience.replace_all_uses_with(old, new)
    graph.inputs[:] = [*pictures, *flags, *others]
    graph.insert_before(graph[0], nodes.tape.nodes)


class _Nodes:
    """Writes the nodes."""

    def __init__(self) -> None:
        self.tape = ir.tape.Tape()

    def op(self, name: str, *inputs: object, **attributes: object) -> ir.Value:
        """A node's output; inputs that are no outputs of nodes become constants."""
        values = [self._value(value) for value in inputs]
        return self.tape.op(name, values, attributes)

    def _value(self, value: object) -> ir.Value | None:
        if value is None or isinstance(value, ir.Value):
            return value
        return self.tape.op("Constant", [], {"value": ir.tensor(np.asarray(value))})

    def prepare(
        self, pictures: Sequence[ir.Value], present: ir.Value | None, steps: PictureSteps
    ) -> tuple[ir.Value, ir.Value, ir.Value]:
        """The network's three inputs from each camera's picture, (N, H, W, C)."""
        original = self.op("Shape", pictures[0], start=1, end=3)
        x = pictures[0] if present is None else self.op("Concat", *pictures, axis=3)
        x = self.op("Transpose", x, perm=[0, 3, 1, 2])
        x = self.op("Cast", x, to=ir.DataType.FLOAT)
        size = original
        for step in steps.resizing:
            if type_name(step) == "CenterCrop":
                x = self._crop(x, size, step)
                size = self.op("Shape", x, start=2, end=4)
            else:
                old, size = size, self._new_size(size, step)
                x = self._resize(x, old, size)
        if present is None:
            x = self._normalise(x, steps.cameras[0])
        else:
            x = self._normalise_all(x, present, steps.cameras)
        if steps.divisor > 1:
            x = self._pad(x, size, steps)
        sizes = (self.op("Cast", value, to=ir.DataType.FLOAT) for value in (size, original))
        return (x, *sizes)

    def _normalise_all(self, x: ir.Value, present: ir.Value, cameras: Sequence[Camera]) -> ir.Value:
        """Each camera by itself; zeros for those that are absent."""
        parts, start = [], 0
        for number, camera in enumerate(cameras):
            end = start + camera.channels
            part = self.op("Slice", x, np.int64([start]), np.int64([end]), np.int64([1]))
            flag = self.op("Gather", present, np.int64([number]))
            part = self._normalise(part, camera)
            parts.append(self.op("Where", flag, part, np.float32(0)))
            start = end
        return self.op("Concat", *parts, axis=1)

    def _normalise(self, x: ir.Value, camera: Camera) -> ir.Value:
        """(N, C, H, W), colours as RGB -> in the network's order, normalised."""
        if camera.channels == 3 and not camera.rgb:
            x = self.op("Gather", x, np.int64([2, 1, 0]), axis=1)
        if camera.mean is None:
            return x
        mean, std = (np.float32(v).reshape(1, -1, 1, 1) for v in (camera.mean, camera.std))
        return self.op("Div", self.op("Sub", x, mean), std)

    def _new_size(self, size: ir.Value, step: Mapping) -> ir.Value:
        """Height and width after a step, int64; in float64, as Python computes them."""
        scale = step["scale"]
        if type_name(step) == "Resize" and not step.get("keep_ratio", False):
            width, height = (scale, scale) if isinstance(scale, int) else scale
            return self._value(np.int64([height, width]))
        sides = self.op("Cast", size, to=ir.DataType.DOUBLE)
        short, long = (self.op(f"Reduce{kind}", sides, keepdims=1) for kind in ("Min", "Max"))
        if type_name(step) == "Resize":  # as large as fits into both sides of the scale
            pair = (scale, scale) if isinstance(scale, int) else scale
            by_long, by_short = self._over(max(pair), long), self._over(min(pair), short)
            sides = self.op("Mul", sides, self.op("Min", by_long, by_short))
            sides = self.op("Add", sides, np.float64([0.5]))
        else:  # ResizeEdge: one edge gets the scale
            height, width = (self.op("Gather", sides, [side]) for side in (0, 1))
            edges = {"short": short, "long": long, "width": width, "height": height}
            sides = self.op("Mul", sides, np.float64([scale]))
            sides = self.op("Div", sides, edges[step.get("edge", "short")])
        return self.op("Cast", self.op("Floor", sides), to=ir.DataType.INT64)

    def _over(self, number: int, value: ir.Value) -> ir.Value:
        """number / value, of whole numbers in float64.

        OpenVINO 2026.4 turns a constant over a value upside down where sizes come of it. So the
        number is no constant here: what is added is taken away again, exactly.
        """
        number = self.op("Sub", self.op("Add", value, np.float64([number])), value)
        return self.op("Div", number, value)

    def _resize(self, x: ir.Value, old: ir.Value, new: ir.Value) -> ir.Value:
        """cv2's bilinear resizing of uint8, in the same whole numbers.

        It cuts off fractions twice, so that one value in eight is 1 below the rounded mean. A
        trained detector shows the difference: up to a pixel in its boxes.
        """
        x = self.op("Cast", x, to=ir.DataType.INT32)
        left, right, by_left, by_right = self._neighbours(old, new, side=1)
        top, bottom, by_top, by_bottom = self._neighbours(old, new, side=0)
        x = self.op(
            "Add",
            self.op("Mul", self.op("Gather", x, left, axis=3), by_left),
            self.op("Mul", self.op("Gather", x, right, axis=3), by_right),
        )
        x = self.op("Div", x, np.int32(16))
        rows = ((top, by_top), (bottom, by_bottom))
        parts = [
            self.op(
                "Div",
                self.op(
                    "Mul",
                    self.op("Gather", x, row, axis=2),
                    self.op("Unsqueeze", weights, np.int64([1])),
                ),
                np.int32(65536),
            )
            for row, weights in rows
        ]
        x = self.op("Add", self.op("Add", *parts), np.int32(2))
        return self.op("Cast", self.op("Div", x, np.int32(4)), to=ir.DataType.FLOAT)

    def _neighbours(self, old: ir.Value, new: ir.Value, side: int) -> tuple[ir.Value, ...]:
        """For each new pixel along a side the two old ones beside it, and their weights of 2048."""
        before, after = (self.op("Gather", size, [side]) for size in (old, new))
        ratio = self.op(
            "Div",
            self.op("Cast", after, to=ir.DataType.DOUBLE),
            self.op("Cast", before, to=ir.DataType.DOUBLE),
        )
        numbers = self.op("Range", np.int64(0), self.op("Squeeze", after), np.int64(1))
        middles = self.op("Cast", numbers, to=ir.DataType.DOUBLE)
        middles = self.op("Add", middles, np.float64(0.5))
        places = self.op("Mul", middles, self.op("Div", np.float64(1), ratio))
        places = self.op("Sub", places, np.float64(0.5))
        places = self.op("Cast", places, to=ir.DataType.FLOAT)
        floor = self.op("Floor", places)
        fraction = self.op("Sub", places, floor)
        first = self.op("Cast", floor, to=ir.DataType.INT64)
        second = self.op("Add", first, np.int64(1))
        last = self.op("Sub", before, np.int64(1))
        inside = [
            self.op("Max", self.op("Min", place, last), np.int64([0])) for place in (first, second)
        ]
        shares = (self.op("Sub", np.float32(1), fraction), fraction)
        weights = [self.op("Round", self.op("Mul", share, np.float32(2048))) for share in shares]
        return (*inside, *(self.op("Cast", weight, to=ir.DataType.INT32) for weight in weights))

    def _crop(self, x: ir.Value, size: ir.Value, step: Mapping) -> ir.Value:
        """The middle, of this height and width or what there is of it."""
        side = step["crop_size"]
        width, height = (side, side) if isinstance(side, int) else side
        wanted = self.op("Min", np.int64([height, width]), size)
        spare = self.op("Cast", self.op("Sub", size, wanted), to=ir.DataType.DOUBLE)
        start = self.op("Round", self.op("Mul", spare, np.float64([0.5])))
        start = self.op("Cast", start, to=ir.DataType.INT64)
        return self.op("Slice", x, start, self.op("Add", start, wanted), np.int64([2, 3]))

    def _pad(self, x: ir.Value, size: ir.Value, steps: PictureSteps) -> ir.Value:
        negative = self.op("Neg", size)
        missing = self.op("Mod", negative, np.int64([steps.divisor]))  # has the divisor's sign
        pads = self.op("Concat", np.zeros(6, np.int64), missing, axis=0)
        return self.op("Pad", x, pads, np.float32(steps.pad_value))
