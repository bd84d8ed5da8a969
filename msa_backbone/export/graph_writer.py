"""Writes nodes of an ONNX graph, one after the other."""

import numpy as np
import onnx_ir as ir


class GraphWriter:
    """Collects nodes in its `tape`."""

    def __init__(self) -> None:
        self.tape = ir.tape.Tape()

    def op(self, name: str, *inputs: object, **attributes: object) -> ir.Value:
        """A node's output; inputs that are no outputs of nodes become constants."""
        values = [self.value(value) for value in inputs]
        return self.tape.op(name, values, attributes)

    def value(self, value: object) -> ir.Value | None:
        """What it is, an output of a node, or a constant of its own."""
        if value is None or isinstance(value, ir.Value):
            return value
        return self.tape.op("Constant", [], {"value": ir.tensor(np.asarray(value))})
