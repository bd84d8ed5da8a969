"""The stand-in for mmcv's compiled extension, against formulas written out here."""

import importlib
import itertools
import math
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from msa_backbone.openmmlab import mmcv_ops

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


def iou(a: list[float], b: list[float], offset: int) -> float:
    w = max(0.0, min(a[2], b[2]) - max(a[0], b[0]) + offset)
    h = max(0.0, min(a[3], b[3]) - max(a[1], b[1]) + offset)
    area_a, area_b = ((x2 - x1 + offset) * (y2 - y1 + offset) for x1, y1, x2, y2 in (a, b))
    return w * h / (area_a + area_b - w * h)


def naive_nms(boxes: Tensor, scores: Tensor, threshold: float, offset: int) -> list[int]:
    rows, kept = boxes.double().tolist(), []
    for i in sorted(range(len(rows)), key=lambda i: -scores[i].item()):
        if all(iou(rows[i], rows[j], offset) <= threshold for j in kept):
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


# ----------------------------------------------------------------------------------- soft_nms


def naive_soft_nms(
    boxes: Tensor, scores: Tensor, threshold: float, sigma: float, least: float, method: str, offset
) -> tuple[list[int], list[float]]:
    """Algorithm 1 of the paper, with mmcv's rule that scores are judged when they are lowered."""
    rows, left = boxes.tolist(), dict(enumerate(scores.tolist()))
    kept, kept_scores = [], []
    while left:
        best = max(left, key=left.get)
        kept.append(best)
        kept_scores.append(left.pop(best))
        for i in list(left):
            overlap = iou(rows[best], rows[i], offset)
            if method == "gaussian":
                left[i] *= math.exp(-(overlap**2) / sigma)
            elif overlap >= threshold:
                left[i] *= {"naive": 0, "linear": 1 - overlap}[method]
            if left[i] < least:
                del left[i]
    return kept, kept_scores


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("method", ["naive", "linear", "gaussian"])
@pytest.mark.parametrize(("threshold", "sigma", "least"), [(0.3, 0.5, 1e-3), (0.6, 0.2, 0.1)])
def test_soft_nms(threshold, sigma, least, method, offset):
    boxes, scores = (t.double() for t in random_boxes(100, seed=2))
    expected, expected_scores = naive_soft_nms(
        boxes, scores, threshold, sigma, least, method, offset
    )
    dets, kept = mmcv.ops.soft_nms(boxes, scores, threshold, sigma, least, method, offset)
    assert kept.tolist() == expected
    assert 1 < len(kept) < 100
    torch.testing.assert_close(dets[:, :4], boxes[expected])
    torch.testing.assert_close(dets[:, 4], torch.tensor(expected_scores, dtype=torch.float64))


def test_soft_nms_of_little():
    dets, kept = mmcv.ops.soft_nms(torch.zeros(0, 4), torch.zeros(0))
    assert dets.shape == (0, 5) and kept.shape == (0,) and kept.dtype == torch.int64
    # the best box stays whatever its score, also where boxes have no area
    dets, kept = mmcv.ops.soft_nms(
        torch.zeros(3, 4), torch.tensor([1e-5, 2e-5, 0.0]), method="gaussian"
    )
    assert kept.tolist() == [1]
    assert dets[0, 4] == 2e-5
    scores = torch.tensor([0.5, 0.4, 0.3])
    _, kept = mmcv.ops.soft_nms(torch.zeros(3, 4), scores, method="gaussian")
    assert kept.tolist() == [0, 1, 2]


def test_soft_nms_by_class_through_batched_nms():
    boxes, scores = random_boxes(60, seed=3)
    classes = torch.arange(60) % 3
    dets, kept = mmcv.ops.batched_nms(
        boxes, scores, classes, {"type": "soft_nms", "iou_threshold": 0.3, "min_score": 0.05}
    )
    expected = {}
    for c in range(3):
        own = (classes == c).nonzero()[:, 0]
        indices, values = naive_soft_nms(
            boxes[own].double(), scores[own].double(), 0.3, 0.5, 0.05, "linear", 0
        )
        expected.update(zip(own[indices].tolist(), values, strict=True))
    assert sorted(kept.tolist()) == sorted(expected)
    got = dict(zip(kept.tolist(), dets[:, 4].tolist(), strict=True))
    assert got == pytest.approx(expected, abs=1e-4)


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


def naive_roi_align(x: Tensor, sampling_ratio: int, mode: str, aligned: bool) -> Tensor:
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
                stacked = torch.stack(samples)
                output[k, :, i, j] = stacked.mean(0) if mode == "avg" else stacked.amax(0)
    return output


@pytest.mark.parametrize("sampling_ratio", [0, 2])
@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("mode", ["avg", "max"])
def test_roi_align(mode, aligned, sampling_ratio):
    x, rois = feature_map(), torch.tensor(ROIS, dtype=torch.float64)
    output = mmcv.ops.roi_align(x, rois, SIZE, SCALE, sampling_ratio, mode, aligned)
    with torch.no_grad():
        torch.testing.assert_close(output, naive_roi_align(x, sampling_ratio, mode, aligned))
    assert torch.autograd.gradcheck(
        lambda x: mmcv.ops.roi_align(x, rois, SIZE, SCALE, sampling_ratio, mode, aligned), x
    )


@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_roi_align_in_16_bits(dtype, mode):
    x, rois = feature_map(dtype), torch.tensor(ROIS, dtype=dtype)
    exact = x.detach().double().requires_grad_()
    output = mmcv.ops.roi_align(x, rois, SIZE, SCALE, 0, mode)
    expected = mmcv.ops.roi_align(exact, rois.double(), SIZE, SCALE, 0, mode)
    output.sum().backward()
    expected.sum().backward()
    assert output.dtype == x.grad.dtype == dtype
    torch.testing.assert_close(output, expected.to(dtype))
    torch.testing.assert_close(x.grad, exact.grad.to(dtype))


@pytest.mark.parametrize("mode", ["avg", "max"])
def test_roi_align_of_no_boxes(mode):
    x = feature_map()
    output = mmcv.ops.roi_align(x, torch.zeros(0, 5, dtype=x.dtype), SIZE, SCALE, 0, mode)
    output.sum().backward()
    assert output.shape == (0, 2, *SIZE)
    assert not x.grad.any()


# ----------------------------------------------------------------------------------- roi_pool


def naive_roi_pool(x: Tensor, rois: list) -> Tensor:
    """Rounds half away from zero, like C; boxes are inclusive of their last cell."""
    output = x.new_zeros(len(rois), x.shape[1], *SIZE)
    height, width = x.shape[2:]

    def nearest(value: float) -> int:
        return int(math.copysign(math.floor(abs(value) + 0.5), value))

    for k, (batch, *corners) in enumerate(rois):
        left, top, right, bottom = (nearest(SCALE * c) for c in corners)
        bin_h = max(bottom - top + 1, 1) / SIZE[0]
        bin_w = max(right - left + 1, 1) / SIZE[1]
        for i in range(SIZE[0]):
            for j in range(SIZE[1]):
                rows = range(max(0, top + math.floor(i * bin_h)), height)
                rows = rows[: max(0, top + math.ceil((i + 1) * bin_h) - rows.start)]
                cols = range(max(0, left + math.floor(j * bin_w)), width)
                cols = cols[: max(0, left + math.ceil((j + 1) * bin_w) - cols.start)]
                if rows and cols:
                    cells = x[batch][:, rows.start : rows.stop, cols.start : cols.stop]
                    output[k, :, i, j] = cells.amax((1, 2))
    return output


def test_roi_pool():
    x, rois = feature_map(), torch.tensor(ROIS, dtype=torch.float64)
    output = mmcv.ops.roi_pool(x, rois, SIZE, SCALE)
    expected = naive_roi_pool(x.detach(), ROIS)
    torch.testing.assert_close(output, expected)
    assert (expected == 0).any() and len(expected.unique()) > 30  # some bins lie outside
    assert torch.autograd.gradcheck(lambda x: mmcv.ops.roi_pool(x, rois, SIZE, SCALE), x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_roi_pool_in_16_bits(dtype):
    x, rois = feature_map(dtype), torch.tensor(ROIS).to(dtype)
    output = mmcv.ops.roi_pool(x, rois, SIZE, SCALE)
    output.sum().backward()
    assert output.dtype == x.grad.dtype == dtype
    expected = naive_roi_pool(x.detach(), [(int(r[0]), *r[1:]) for r in rois.tolist()])
    torch.testing.assert_close(output, expected)
    assert x.grad.sum() == output.count_nonzero()


# ------------------------------------------------------------------------------- deform_conv


def deform_inputs(modulated: bool, seed: int = 0) -> dict[str, Tensor]:
    """Two groups, two deformable groups, a 2 x 3 kernel, unequal strides, paddings, dilations."""
    g = torch.Generator().manual_seed(seed)

    def randn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=g, dtype=torch.float64).requires_grad_()

    shapes = {"input": (2, 4, 5, 7), "offset": (2, 2 * 2 * 6, 4, 3), "weight": (6, 2, 2, 3)}
    if modulated:
        shapes = {**shapes, "mask": (2, 2 * 6, 4, 3), "bias": (6,)}
    return {name: randn(*shape) for name, shape in shapes.items()}


GEOMETRY = {"stride": (2, 3), "padding": (2, 1), "dilation": (2, 1), "groups": 2}


def naive_deform_conv(t: dict[str, Tensor]) -> Tensor:
    """The sum over taps of weight x mask x input at the tap's place, zero outside the input."""
    x, offset, weight = t["input"], t["offset"], t["weight"]
    height, width = x.shape[2:]

    def zero_outside(channel: Tensor, row: float, col: float) -> Tensor:
        of_row = (1 - (row - torch.arange(height).double()).abs()).clamp(min=0)
        of_col = (1 - (col - torch.arange(width).double()).abs()).clamp(min=0)
        return of_row @ channel @ of_col

    out = x.new_zeros(2, 6, 4, 3)
    for n, o, i, j in itertools.product(*map(range, out.shape)):
        for c, a, b in itertools.product(range(2), range(2), range(3)):
            channel = 2 * (o // 3) + c  # outputs 0..2 see inputs 0, 1; outputs 3..5 see 2, 3
            deform_group = channel // 2
            tap = deform_group * 6 + a * 3 + b
            row = 2 * i - 2 + 2 * a + offset[n, 2 * tap, i, j].item()
            col = 3 * j - 1 + 1 * b + offset[n, 2 * tap + 1, i, j].item()
            value = weight[o, c, a, b] * zero_outside(x[n, channel], row, col)
            out[n, o, i, j] += value * (t["mask"][n, tap, i, j] if "mask" in t else 1)
        out[n, o, i, j] += t["bias"][o] if "bias" in t else 0
    return out


def deform_conv(input, offset, weight):
    return mmcv.ops.deform_conv2d(input, offset, weight, *GEOMETRY.values(), 2)


def modulated_deform_conv(input, offset, weight, mask, bias):
    return mmcv.ops.modulated_deform_conv2d(
        input, offset, mask, weight, bias, *GEOMETRY.values(), 2
    )


@pytest.mark.parametrize("modulated", [False, True])
def test_deform_conv(modulated):
    tensors = deform_inputs(modulated)
    op = modulated_deform_conv if modulated else deform_conv
    with torch.no_grad():
        torch.testing.assert_close(op(**tensors), naive_deform_conv(tensors))
    assert torch.autograd.gradcheck(op, tuple(tensors.values()))
    op(**tensors).sum().backward()
    assert all(t.grad.any() for t in tensors.values())


def test_modulated_deform_conv_without_bias():
    tensors = {**deform_inputs(True), "bias": None}
    with torch.no_grad():
        expected = naive_deform_conv({k: t for k, t in tensors.items() if t is not None})
        torch.testing.assert_close(modulated_deform_conv(**tensors), expected)
    assert torch.autograd.gradcheck(modulated_deform_conv, tuple(tensors.values()))


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_deform_conv_in_16_bits(dtype, modulated):
    tensors = {
        k: t.detach().to(dtype).requires_grad_() for k, t in deform_inputs(modulated).items()
    }
    exact = {k: t.detach().double().requires_grad_() for k, t in tensors.items()}
    op = modulated_deform_conv if modulated else deform_conv
    output, expected = op(**tensors), op(**exact)
    output.sum().backward()
    expected.sum().backward()
    tolerance = {"atol": 0.05, "rtol": 0.02}
    torch.testing.assert_close(output, expected.to(dtype), **tolerance)
    for name, tensor in tensors.items():
        assert tensor.grad.dtype == dtype
        torch.testing.assert_close(tensor.grad, exact[name].grad.to(dtype), **tolerance)


# -------------------------------------------------------------------------------- focal loss


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, 0.25), (1.5, 0.6)])
def test_sigmoid_focal_loss(gamma, alpha, weighted):
    g = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(7, 3, generator=g, dtype=torch.float64)
    logits[0] = torch.tensor([40.0, -40.0, 0.0])  # where a naive logarithm would end at -inf
    logits.requires_grad_()
    target = torch.tensor([0, 1, 2, 3, 3, 0, -1])  # 3, the number of classes, is background
    weight = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64) if weighted else None
    expected = torch.zeros(7, 3, dtype=torch.float64)
    for n in range(7):
        for c in range(3):
            p = torch.sigmoid(logits[n, c].detach())
            if target[n] == c:
                expected[n, c] = -alpha * (1 - p) ** gamma * torch.log(p)
            else:
                log = -torch.nn.functional.softplus(logits[n, c].detach())  # log(1 - p)
                expected[n, c] = -(1 - alpha) * p**gamma * log
            if weighted and target[n] in (0, 1, 2):
                expected[n, c] *= weight[target[n]]

    def loss(x: Tensor, reduction: str) -> Tensor:
        return mmcv.ops.sigmoid_focal_loss(x, target, gamma, alpha, weight, reduction)

    with torch.no_grad():
        torch.testing.assert_close(loss(logits, "none"), expected)
        torch.testing.assert_close(loss(logits, "sum"), expected.sum())
        torch.testing.assert_close(loss(logits, "mean"), expected.sum() / 7)
    for reduction in ("sum", "mean"):
        assert torch.autograd.gradcheck(lambda x, r=reduction: loss(x, r), logits)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sigmoid_focal_loss_in_16_bits(dtype):
    logits = (4 * torch.randn(50, 3, generator=torch.Generator().manual_seed(2))).to(dtype)
    target = torch.arange(50) % 4
    exact = logits.double().requires_grad_()
    logits.requires_grad_()
    loss = mmcv.ops.sigmoid_focal_loss(logits, target, 2.0, 0.25, None, "none")
    expected = mmcv.ops.sigmoid_focal_loss(exact, target, 2.0, 0.25, None, "none")
    loss.sum().backward()
    expected.sum().backward()
    assert loss.dtype == logits.grad.dtype == dtype
    torch.testing.assert_close(loss, expected.to(dtype))
    torch.testing.assert_close(logits.grad, exact.grad.to(dtype))


def test_sigmoid_focal_loss_is_what_mmdet_computes_on_the_cpu():
    pytest.importorskip("mmdet")
    from mmdet.models.losses.focal_loss import py_sigmoid_focal_loss
    from mmdet.models.losses.focal_loss import sigmoid_focal_loss as on_cuda

    logits = torch.randn(9, 4, generator=torch.Generator().manual_seed(1))
    target = torch.arange(9) % 5
    one_hot = torch.nn.functional.one_hot(target, 5)[:, :4]
    torch.testing.assert_close(on_cuda(logits, target), py_sigmoid_focal_loss(logits, one_hot))


# ------------------------------------------------------------------------------- unavailable


def test_an_unavailable_op_raises_when_called():
    op = ext.three_nn_forward
    with pytest.raises(RuntimeError, match=r"'three_nn_forward' .* not installed.*https://") as e:
        op(1, b=2)
    assert "\n" not in str(e.value)


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
from msa_backbone.openmmlab import mmcv_ops
mmcv_ops.install()
assert not {{"mmcv", "mmdet"}} & set(sys.modules)
""")


@pytest.mark.slow
def test_a_compiled_extension_wins(tmp_path):
    (tmp_path / "_ext.py").write_text("__getattr__ = lambda name: lambda: 'compiled ' + name")
    out = run_python(f"""
from msa_backbone.openmmlab import mmcv_ops
mmcv_ops.install()
import mmcv
mmcv.__path__.append({str(tmp_path)!r})
import mmcv.ops
print(mmcv.ops.get_compiler_version())
""")
    assert out.strip() == "compiled get_compiler_version"


@pytest.mark.slow
def test_install_after_a_failed_import():
    run_python("""
try:
    import mmcv.ops
except ModuleNotFoundError as e:
    assert e.name == "mmcv._ext"
else:
    raise AssertionError("mmcv.ops imports without mmcv._ext")
from msa_backbone.openmmlab import mmcv_ops
mmcv_ops.install()
import mmcv.ops
""")


def test_mmdet_imports():
    pytest.importorskip("mmdet")
    run_python("""
from msa_backbone.openmmlab import mmcv_ops
mmcv_ops.install()
import mmdet.models
""")
