"""From an ONNX file to OpenVINO's own two: NAME.xml, the graph, and NAME.bin, the weights."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

from ..files.whole_files import write_whole
from .runtime.file_info import FileInfo
from .runtime.sessions import RT_INFO


def convert_to_openvino(onnx_file: Path, info: FileInfo, file: Path) -> None:
    """Write `file`, which ends in .xml, and the .bin beside it; weights stay float32."""
    import openvino

    model = openvino.Core().read_model(onnx_file)  # convert_model would send usage statistics
    model.set_rt_info(json.dumps(info.to_metadata()), RT_INFO)
    with TemporaryDirectory() as folder:
        part = Path(folder, file.name)
        openvino.save_model(model, part, compress_to_fp16=False)
        for suffix in (".bin", ".xml"):  # whoever finds the graph finds the weights
            write_whole(file.with_suffix(suffix), part.with_suffix(suffix).read_bytes())
