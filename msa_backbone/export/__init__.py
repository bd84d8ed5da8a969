"""Models outside of Python: one file from picture to result, for ONNX Runtime and OpenVINO."""
