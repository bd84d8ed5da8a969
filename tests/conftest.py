"""The real data where they are, and tests/ on the path: `from references import ...` everywhere.

`make test` runs the files on several workers, each with one thread: what they compute fills the
cores without waiting for one another.
"""

import dataclasses
import importlib.util
import os
import sys
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported

import numpy as np
import pytest
import torch
from filelock import FileLock  # a package that torch needs

sys.path.insert(0, str(Path(__file__).parent))
from chromium import find_chromium
from processes import keep_garbage

keep_garbage()

# Without a GPU, Triton's kernels run in its interpreter; it must know before it is imported.
if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")


def _real_data(name: str) -> Path:
    path = Path(__file__).parents[2] / "shared" / "data" / name
    if not path.is_dir():
        pytest.skip(f"the {name} images are not at {path}")
    return path


@pytest.fixture
def bccd() -> Path:
    return _real_data("bccd")


@pytest.fixture
def coco128() -> Path:
    return _real_data("coco128")


@pytest.fixture
def easyvqa() -> Path:
    return _real_data("easyvqa")


@pytest.fixture
def coco_captions() -> Path:
    return _real_data("coco_captions")


@pytest.fixture
def camvid() -> Path:
    return _real_data("camvid")


@pytest.fixture
def chromium() -> str:
    """The program of a Chromium."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium is installed: apt-get install chromium, or name one in $CHROMIUM")
    return program


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A folder for `trained` and `exported`, one for all workers."""
    folder = tmp_path_factory.getbasetemp()
    folder = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    (folder / "models").mkdir(exist_ok=True)
    return folder / "models"


@pytest.fixture(scope="session")
def trained(models):
    """Call `trained("faster-rcnn")`: a small model of a kind. Tests leave its files as they are."""
    from exported_models import Trained, make_trained

    def get(kind: str) -> Trained:
        with FileLock(models / f"{kind}.lock"):
            if not (models / kind / "last.pth").exists():
                (models / kind).mkdir(exist_ok=True)
                make_trained(kind, models / kind)
        return Trained(models / kind / f"{kind}.py", models / kind / "last.pth")

    return get


@pytest.fixture(scope="session")
def exported(models, trained):
    """Call `exported("faster-rcnn")`: its file, for pictures of any size."""
    from msa_backbone.export.to_onnx import export_onnx

    def get(kind: str) -> Path:
        model, file = trained(kind), models / f"{kind}.onnx"
        with FileLock(models / f"{kind}.onnx.lock"):
            if not file.exists():
                export_onnx(model.cfg(), str(model.checkpoint), file)
        return file

    return get


@pytest.fixture
def interpreted_kernels(monkeypatch) -> None:
    """Tensors on the CPU go through the Triton kernels, in the interpreter, in float64 too."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("triton is not installed")
    from msa_backbone.ops import select_form
    from msa_backbone.ops.gpu import limits

    if os.environ.get("TRITON_INTERPRET") != "1":
        pytest.skip("Triton's interpreter is off: there is a GPU")
    import triton.language as tl
    from triton.runtime import interpreter
    from triton.runtime.interpreter import InterpreterBuilder, TensorHandle

    def as_float32(handle: TensorHandle) -> TensorHandle:
        if handle.dtype != tl.bfloat16:
            return handle
        bits = handle.data.astype(np.uint32) << 16
        return TensorHandle(bits.view(np.float32), tl.float32)

    # Half of its time would go into looking for overflows of 32 bits, which small maps cannot have.
    builder = interpreter.interpreter_builder
    options = dataclasses.replace(builder.options, sanitize_overflow=False)
    monkeypatch.setattr(builder, "options", options)
    # The interpreter multiplies the bits of bfloat16 as if they were integers.
    dot = InterpreterBuilder.create_dot
    monkeypatch.setattr(
        InterpreterBuilder,
        "create_dot",
        lambda self, a, b, *rest: dot(self, as_float32(a), as_float32(b), *rest),
    )
    monkeypatch.setattr(select_form, "KERNEL_DEVICE", "cpu")
    monkeypatch.setattr(select_form, "KERNEL_DTYPES", (*limits.KERNEL_DTYPES, torch.float64))
