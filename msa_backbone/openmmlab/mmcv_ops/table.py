"""The operators that the stand-in for ``mmcv._ext`` has, by the names that mmcv calls."""

from collections.abc import Callable
from typing import Any

import torchvision  # noqa: F401  (registers torch.ops.torchvision)

from . import deform_conv, focal_loss, nms, roi


def build_info() -> str:
    """What mmcv reports as the compiler of its operators."""
    return "n/a (ops served by torchvision)"


OPS: dict[str, Callable[..., Any]] = {
    "nms": nms.nms,
    "softnms": nms.softnms,
    "roi_align_forward": roi.roi_align_forward,
    "roi_align_backward": roi.roi_align_backward,
    "roi_pool_forward": roi.roi_pool_forward,
    "roi_pool_backward": roi.roi_pool_backward,
    "deform_conv_forward": deform_conv.deform_conv_forward,
    "deform_conv_backward_input": deform_conv.deform_conv_backward_input,
    "deform_conv_backward_parameters": deform_conv.deform_conv_backward_parameters,
    "modulated_deform_conv_forward": deform_conv.modulated_deform_conv_forward,
    "modulated_deform_conv_backward": deform_conv.modulated_deform_conv_backward,
    "sigmoid_focal_loss_forward": focal_loss.sigmoid_focal_loss_forward,
    "sigmoid_focal_loss_backward": focal_loss.sigmoid_focal_loss_backward,
    "get_compiler_version": build_info,
    "get_compiling_cuda_version": build_info,
}
