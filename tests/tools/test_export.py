"""tools/export.py: its lines and its errors."""

import pytest

pytest.importorskip("mmdet")
from exported_models import make_trained, noise

from msa_backbone.export.runtime.predictor import RuntimePredictor


@pytest.mark.slow
def test_a_file_is_written_and_told(run_tool, tmp_path, capsys):
    model = make_trained("classifier", tmp_path)
    file = tmp_path / "out/model.onnx"
    run_tool("export", model.config, model.checkpoint, "--out", file)
    line = capsys.readouterr().out.strip().splitlines()[-1]
    assert line.startswith(f"{file}: ImageClassifier for classification, 5 classes, ")
    assert line.endswith(" MB, pictures of any size")
    assert RuntimePredictor(file)(noise(97, 131))["scores"].shape == (5,)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--out", "model.pt"], "error: --out model.pt: give a name that ends in .onnx"),
        (
            ["--format", "openvino", "--out", "model.onnx"],
            "error: --out model.onnx: give a name that ends in .xml",
        ),
        (
            ["--format", "openvino", "--out", "model.xml", "--int8", "data"],
            "error: --int8 is measured with ONNX Runtime, and OpenVINO rounds otherwise: leave "
            "--format out",
        ),
        (["--out", "a.onnx", "--size", "8", "64"], "error: --size 8 64: give 32 or more a side"),
        (
            ["--out", "a.onnx", "--classes", "cat"],
            "error: --classes goes with --int8: the checkpoint has its classes",
        ),
        (["--out", "a.onnx"], "error: weights file missing.pth does not exist: check the path"),
    ],
)
def test_mistakes_end_in_one_line(options, reason, run_tool, tiny_config):
    with pytest.raises(SystemExit) as end:
        run_tool("export", tiny_config, "missing.pth", *options)
    assert str(end.value) == reason
