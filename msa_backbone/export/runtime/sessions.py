"""An exported file, opened by the program that runs it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from ...errors import DataError
from ...packages import require_packages

SUFFIXES = (".onnx", ".xml")
RT_INFO = "msa_backbone"  # where the metadata are in OpenVINO's runtime information


class Session(Protocol):
    """What runs a file.

    Attributes:
        metadata: the file's, strings by name.
        size: height and width that the file takes; None for a side that may be any.
    """

    metadata: Mapping[str, str]
    size: tuple[int | None, int | None]

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs by name."""


def open_session(file: Path, threads: int | None = None) -> Session:
    """Open a file with the program that its suffix stands for.

    Args:
        threads: of the computation; as many as the program likes by default.

    Raises:
        DataError: for a file that does not exist or that the program cannot read.
        ValueError: if the program is not installed.
    """
    if file.suffix not in SUFFIXES:
        raise DataError(f"{file}: give a file that ends in {' or '.join(SUFFIXES)}")
    if not file.is_file():
        raise DataError(f"{file} does not exist: check the path")
    return (OnnxSession if file.suffix == ".onnx" else OpenVinoSession)(file, threads)


class OnnxSession:
    """ONNX Runtime on the CPU."""

    def __init__(self, file: Path, threads: int | None = None) -> None:
        require_packages(file.name, ["onnxruntime"])
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or 0
        options.log_severity_level = 3  # errors; warnings are of its own optimisation
        # Or its threads go on spinning behind each run, and take the cores from what follows.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common class
            reason = str(error).partition("\n")[0]
            raise DataError(f"{file} is no ONNX model ({reason}); export it again") from error
        self.metadata = self._session.get_modelmeta().custom_metadata_map
        sides = self._session.get_inputs()[0].shape[1:3]
        self.size = tuple(side if isinstance(side, int) else None for side in sides)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        names = [output.name for output in self._session.get_outputs()]
        return dict(zip(names, self._session.run(names, dict(inputs)), strict=True))


class OpenVinoSession:
    """OpenVINO on the CPU, in float32."""

    def __init__(self, file: Path, threads: int | None = None) -> None:
        require_packages(file.name, ["openvino"])
        import openvino

        core = openvino.Core()
        settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        try:
            model = core.read_model(file)
            self._model = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            reason = str(error).strip().rpartition("\n")[2]
            raise DataError(
                f"{file} is no OpenVINO model with its .bin ({reason}); export it again"
            ) from error
        known = model.has_rt_info(RT_INFO)
        self.metadata = json.loads(model.get_rt_info(RT_INFO).value) if known else {}
        sides = list(model.inputs[0].get_partial_shape())[1:3]
        self.size = tuple(side.get_length() if side.is_static else None for side in sides)

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = self._model(dict(inputs))
        return {output.get_any_name(): found[output].copy() for output in self._model.outputs}
