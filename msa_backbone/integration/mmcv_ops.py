"""mmcv's operators on top of torchvision, for installs of mmcv that carry none.

``pip install onedl-mmcv`` brings mmcv without its compiled extension ``mmcv._ext``, and then
``import mmcv.ops``, hence ``import mmdet.models``, fails. After :func:`install` Python finds a
stand-in under that name. The stand-in answers only where no compiled extension is found, and
nothing is imported before mmcv asks for it.

The functions listed in :data:`OPS` have the signatures of the compiled ones and call torchvision's
operators, on CPU and CUDA alike. Any other operator can be looked up, as mmcv does on import, but
raises a ``RuntimeError`` when called.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

import torch
from torch import Tensor

__all__ = ["OPS", "install"]

AVG_POOL = 1  # mmcv's code of RoIAlign's pool_mode="avg"; 0 is "max"


def install() -> None:
    """Let ``mmcv._ext`` be found where mmcv was installed without it; calling again is harmless.

    Call it before the first import of ``mmcv.ops`` (or of mmdet, which imports it). A failed
    earlier attempt does no harm: the next one succeeds.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)  # last, so that a compiled extension is found first


def nms(bboxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Greedy non-maximum suppression.

    Args:
        bboxes: boxes (x1, y1, x2, y2) in pixels, shape (N, 4).
        scores: shape (N,).
        iou_threshold: a box is dropped if its IoU with a kept box of higher score exceeds this.
        offset: 0 or 1; the width of a box is x2 - x1 + offset, and so its height.

    Returns:
        int64 indices of the kept boxes by decreasing score, shape (K,).
    """
    bboxes, scores = _float32_if_16bit(bboxes, scores)
    if offset:
        bboxes = bboxes + bboxes.new_tensor([0, 0, offset, offset])
    return torch.ops.torchvision.nms(bboxes, scores, iou_threshold)


def roi_align_forward(
    input: Tensor,
    rois: Tensor,
    output: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """RoIAlign of ``input`` (N, C, H, W), written into ``output``.

    Args:
        rois: (batch index, x1, y1, x2, y2) in pixels of the image, shape (K, 5).
        output: shape (K, C, aligned_height, aligned_width).
        argmax_y, argmax_x: used by max pooling only.
        spatial_scale: cells of ``input`` per pixel of the image.
        sampling_ratio: samples per bin and axis; 0 takes ceil(bin size) of them.
        pool_mode: 1 for average pooling.
        aligned: shift the boxes by half a cell, so that cell centres are at integers.

    Raises:
        RuntimeError: for max pooling, which torchvision does not have.
    """
    _check_pool_mode(pool_mode)
    input, rois = _float32_if_16bit(input, rois)
    size = (aligned_height, aligned_width)
    output.copy_(
        torch.ops.torchvision.roi_align(input, rois, spatial_scale, *size, sampling_ratio, aligned)
    )


def roi_align_backward(
    grad_output: Tensor,
    rois: Tensor,
    argmax_y: Tensor,
    argmax_x: Tensor,
    grad_input: Tensor,
    aligned_height: int,
    aligned_width: int,
    spatial_scale: float,
    sampling_ratio: int,
    pool_mode: int,
    aligned: bool,
) -> None:
    """Gradient of :func:`roi_align_forward` for its input, written into ``grad_input``.

    ``grad_output`` has the shape of the forward's ``output``, ``grad_input`` that of its
    ``input``; the rest are the arguments of the forward.
    """
    _check_pool_mode(pool_mode)
    grad_output, rois = _float32_if_16bit(grad_output, rois)
    size = (aligned_height, aligned_width, *grad_input.shape)
    grad_input.copy_(
        torch.ops.torchvision._roi_align_backward(
            grad_output, rois, spatial_scale, *size, sampling_ratio, aligned
        )
    )


def build_info() -> str:
    """What mmcv reports as the compiler of its operators."""
    return "n/a (ops served by torchvision)"


OPS: dict[str, Callable[..., Any]] = {
    "nms": nms,
    "roi_align_forward": roi_align_forward,
    "roi_align_backward": roi_align_backward,
    "get_compiler_version": build_info,
    "get_compiling_cuda_version": build_info,
}


def _float32_if_16bit(*tensors: Tensor) -> list[Tensor]:
    # Some of torchvision's kernels take no float16, some no bfloat16.
    return [t.float() if t.dtype in (torch.float16, torch.bfloat16) else t for t in tensors]


def _check_pool_mode(pool_mode: int) -> None:
    if pool_mode != AVG_POOL:
        _raise_unavailable("roi_align with pool_mode='max'")


def _raise_unavailable(op: str) -> NoReturn:
    # No command is offered: plain `pip install --no-binary` builds out of torch's sight, where mmcv
    # skips the extension silently, and mmcv 2.3.6 does not compile with torch >= 2.14 (C++20).
    raise RuntimeError(
        f"mmcv op {op!r} needs mmcv's compiled extension, which is not installed, and msa_backbone "
        "has no torchvision version of it; mmcv wheels with the extension, for some releases of "
        "torch: https://mmwheels.onedl.ai; building it from source: "
        "https://onedl-mmcv.readthedocs.io/en/latest/get_started/build.html"
    )


def _unavailable_op(name: str) -> Callable[..., NoReturn]:
    """The stand-in's module-level ``__getattr__``: mmcv looks up every op when it is imported."""
    if name.startswith("__"):
        raise AttributeError(f"module 'mmcv._ext' has no attribute {name!r}")
    return lambda *args, **kwargs: _raise_unavailable(name)


class _Finder(MetaPathFinder, Loader):
    """Finds ``mmcv._ext`` and nothing else, and makes it out of :data:`OPS`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, origin=__name__) if fullname == "mmcv._ext" else None

    def exec_module(self, module: ModuleType) -> None:
        importlib.import_module("torchvision")  # registers torch.ops.torchvision
        vars(module).update(OPS, __getattr__=_unavailable_op)


_FINDER = _Finder()
