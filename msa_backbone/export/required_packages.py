"""The packages that exporting and running exported files need beside the others."""

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
