"""The packages that exporting and running exported files need beside the others."""

from collections.abc import Iterable
from importlib.util import find_spec

EXPORTING = ("onnx", "onnxscript", "onnxruntime")
RUNTIMES = {
    "eager": (),
    "compile": (),
    "onnx": EXPORTING,
    "openvino": (*EXPORTING, "openvino"),
    "onnx-int8": EXPORTING,
    "openvino-int8": (*EXPORTING, "openvino"),
}
"""What each runtime needs; those that need nothing run the model itself, without a file."""


def require_packages(names: Iterable[str]) -> None:
    """Raise ValueError, with the mend, for packages that are not installed."""
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ValueError(f"{', '.join(missing)} is not installed: pip install {' '.join(missing)}")
