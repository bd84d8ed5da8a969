"""The stand-in for mmcv's compiled extension, against formulas written out here."""

import importlib
import math
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from msa_backbone.integration import mmcv_ops

pytest.importorskip("mmcv")
mmcv_ops.install()
if find_spec("mmcv._ext").has_location:
    pytest.skip("mmcv has its compiled extension", allow_module_level=True)

import mmcv.ops  # noqa: E402
import mmcv.utils  # noqa: E402

ext = importlib.import_module("mmcv._ext")


def run_python(code: str) -> str:
    """Standard output of ``code`` in a fresh interpreter with this one's ``sys.path``."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


# ---------------------------------------------------------------------------------------- nms


def random_boxes(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Crowded boxes with sides from 1 to 13 pixels, where an offset of one pixel matters."""
    g = torch.Generator().manual_seed(seed)
    corner = 20 * torch.rand(n, 2, generator=g)
    side = 1 + 12 * torch.rand(n, 2, generator=g)
    return torch.cat([corner, corner + side], 1), torch.rand(n, generator=g)


def naive_nms(boxes: Tensor, scores: Tensor, threshold: float, offset: int) -> list[int]:
    rows, kept = boxes.double().tolist(), []

    def iou(a: list[float], b: list[float]) -> float:
        w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + offset)
        h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + offset)
        area_a, area_b = ((x2 - x1 + offset) * (y2 - y1 + offset) for x1, y1, x2, y2 in (a, b))
        return w * h / (area_a + area_b - w * h)

    for i in sorted(range(len(rows)), key=lambda i: -scores[i].item()):
        if all(iou(rows[i], rows[j]) <= threshold for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_nms(threshold, offset):
    boxes, scores = random_boxes(200, seed=0)
    expected = naive_nms(boxes, scores, threshold, offset)
    assert expected != naive_nms(boxes, scores, threshold, 1 - offset)
    dets, kept = mmcv.ops.nms(boxes, scores, threshold, offset=offset)
    assert kept.tolist() == expected
    torch.testing.assert_close(dets, torch.cat([boxes, scores[:, None]], 1)[expected])


@pytest.mark.parametrize("offset", [0, 1])
def test_nms_of_nothing(offset):
    dets, kept = mmcv.ops.nms(torch.zeros(0, 4), torch.zeros(0), 0.5, offset=offset)
    assert dets.shape == (0, 5)
    assert kept.shape == (0,) and kept.dtype == torch.int64


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_nms_in_16_bits(dtype, offset):
    boxes, scores = random_boxes(60, seed=1)
    boxes, scores = boxes.round().to(dtype), scores.argsort().to(dtype)  # integers, thus exact
    threshold = 1 / math.pi  # no ratio of integers
    _, kept = mmcv.ops.nms(boxes, scores, threshold, offset=offset)
    assert kept.tolist() == naive_nms(boxes, scores, threshold, offset)


# ---------------------------------------------------------------------------------- roi_align

SIZE, SCALE = (3, 5), 0.5
ROIS = [  # (batch index, x1, y1, x2, y2) on an image of 12 x 18 pixels
    (0, 1.3, 0.7, 16.1, 10.9),
    (1, 4.2, 3.1, 9.6, 11.7),
    (1, -3.7, -2.2, 8.4, 5.3),  # beyond the upper left corner
    (0, 9.1, 6.3, 25.8, 19.4),  # beyond the lower right corner
    (0, 7.3, 5.1, 7.9, 5.8),  # under one cell
]


def feature_map(dtype: torch.dtype = torch.float64) -> Tensor:
    x = torch.randn(2, 2, 6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return x.to(dtype).requires_grad_()


def bilinear(x: Tensor, row: float, col: float) -> Tensor:
    """``x`` (C, H, W) at a point: 0 more than one cell outside, the border's value up to there."""
    height, width = x.shape[1:]
    if not (-1 <= row <= height and -1 <= col <= width):
        return x.new_zeros(x.shape[0])
    row, col = min(max(row, 0), height - 1), min(max(col, 0), width - 1)
    value = 0
    for i in range(height):
        for j in range(width):
            value = value + max(0, 1 - abs(row - i)) * max(0, 1 - abs(col - j)) * x[:, i, j]
    return value


def naive_roi_align(x: Tensor, sampling_ratio: int, aligned: bool) -> Tensor:
    output = x.new_zeros(len(ROIS), x.shape[1], *SIZE)
    for k, (batch, *corners) in enumerate(ROIS):
        left, top, right, bottom = (SCALE * c - (0.5 if aligned else 0) for c in corners)
        height, width = bottom - top, right - left
        if not aligned:
            height, width = max(height, 1), max(width, 1)
        bin_h, bin_w = height / SIZE[0], width / SIZE[1]
        rows, cols = sampling_ratio or math.ceil(bin_h), sampling_ratio or math.ceil(bin_w)
        for i in range(SIZE[0]):
            for j in range(SIZE[1]):
                samples = [
                    bilinear(
                        x[batch],
                        top + (i + (r + 0.5) / rows) * bin_h,
                        left + (j + (c + 0.5) / cols) * bin_w,
                    )
                    for r in range(rows)
                    for c in range(cols)
                ]
                output[k, :, i, j] = sum(samples) / len(samples)
    return output


@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("aligned", [True, False])
def test_roi_align(aligned, sampling_ratio):
    x, rois = feature_map(), torch.tensor(ROIS, dtype=torch.float64)
    output = mmcv.ops.roi_align(x, rois, SIZE, SCALE, sampling_ratio, "avg", aligned)
    with torch.no_grad():
        torch.testing.assert_close(output, naive_roi_align(x, sampling_ratio, aligned))
    assert torch.autograd.gradcheck(
        lambda x: mmcv.ops.roi_align(x, rois, SIZE, SCALE, sampling_ratio, "avg", aligned), x
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_roi_align_in_16_bits(dtype):
    x, rois = feature_map(dtype), torch.tensor(ROIS, dtype=dtype)
    exact = x.detach().double().requires_grad_()
    output = mmcv.ops.roi_align(x, rois, SIZE, SCALE)
    expected = mmcv.ops.roi_align(exact, rois.double(), SIZE, SCALE)
    output.sum().backward()
    expected.sum().backward()
    assert output.dtype == x.grad.dtype == dtype
    torch.testing.assert_close(output, expected.to(dtype))
    torch.testing.assert_close(x.grad, exact.grad.to(dtype))


def test_roi_align_of_no_boxes():
    x = feature_map()
    output = mmcv.ops.roi_align(x, torch.zeros(0, 5, dtype=x.dtype), SIZE, SCALE)
    output.sum().backward()
    assert output.shape == (0, 2, *SIZE)
    assert not x.grad.any()


# ------------------------------------------------------------------------------- unavailable


def test_an_unavailable_op_raises_when_called():
    op = ext.three_nn_forward
    with pytest.raises(RuntimeError, match=r"'three_nn_forward' .* not installed.*https://") as e:
        op(1, b=2)
    assert "\n" not in str(e.value)


def test_max_pooling_is_unavailable():
    with pytest.raises(RuntimeError, match=r"roi_align with pool_mode='max'"):
        mmcv.ops.roi_align(feature_map(), torch.tensor(ROIS).double(), SIZE, SCALE, 0, "max")


def test_dunder_names_are_not_ops():
    with pytest.raises(AttributeError, match="__path__"):
        _ = ext.__path__


# --------------------------------------------------------------------------------- the import


def test_module_has_a_spec():
    assert ext.__spec__.name == "mmcv._ext"
    assert find_spec("mmcv._ext") is ext.__spec__


def test_environment_report():
    env = mmcv.utils.collect_env()
    assert env["MMCV Compiler"] == env["MMCV CUDA Compiler"] == "n/a (ops served by torchvision)"


def test_install_again_changes_nothing():
    before = list(sys.meta_path)
    mmcv_ops.install()
    assert sys.meta_path == before


def test_install_imports_neither_mmcv_nor_torchvision():
    run_python(f"""
import runpy, sys
runpy.run_path({mmcv_ops.__file__!r})["install"]()  # the file alone, without its package
assert not {{"mmcv", "mmdet", "torchvision"}} & set(sys.modules)
from msa_backbone.integration import mmcv_ops
mmcv_ops.install()
assert not {{"mmcv", "mmdet"}} & set(sys.modules)
""")


def test_a_compiled_extension_wins(tmp_path):
    (tmp_path / "_ext.py").write_text("__getattr__ = lambda name: lambda: 'compiled ' + name")
    out = run_python(f"""
from msa_backbone.integration import mmcv_ops
mmcv_ops.install()
import mmcv
mmcv.__path__.append({str(tmp_path)!r})
import mmcv.ops
print(mmcv.ops.get_compiler_version())
""")
    assert out.strip() == "compiled get_compiler_version"


def test_install_after_a_failed_import():
    run_python("""
try:
    import mmcv.ops
except ModuleNotFoundError as e:
    assert e.name == "mmcv._ext"
else:
    raise AssertionError("mmcv.ops imports without mmcv._ext")
from msa_backbone.integration import mmcv_ops
mmcv_ops.install()
import mmcv.ops
""")


def test_mmdet_imports():
    pytest.importorskip("mmdet")
    run_python("""
from msa_backbone.integration import mmcv_ops
mmcv_ops.install()
import mmdet.models
""")
