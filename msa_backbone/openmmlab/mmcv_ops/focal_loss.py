"""Sigmoid focal loss, which mmdet takes from mmcv for tensors on CUDA."""

import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from .precision import float32_if_16bit


def sigmoid_focal_loss_forward(
    input: Tensor, target: Tensor, weight: Tensor, output: Tensor, gamma: float, alpha: float
) -> None:
    """Focal loss (Lin et al., https://arxiv.org/abs/1708.02002, section 3) of every logit.

    Args:
        input: logits, shape (N, C).
        target: int64 classes, shape (N,); C and beyond, or -1, is background.
        weight: of the classes, shape (C,), or empty for none; background weighs 1.
        output: shape (N, C), written.
        gamma: focusing exponent.
        alpha: weight of the target class, 1 - alpha of the others.
    """
    input, weight = float32_if_16bit(input, weight)
    output.copy_(_loss(input, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Derivative of each loss for its logit, written into `grad_input` (N, C)."""
    input, weight = float32_if_16bit(input.detach(), weight)
    input.requires_grad_()
    with torch.enable_grad():
        loss = _loss(input, target, weight, gamma, alpha)
    grad_input.copy_(torch.autograd.grad(loss, input, torch.ones_like(loss))[0])


def _loss(input: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float) -> Tensor:
    classes = torch.arange(input.shape[1], device=input.device)
    truth = (target[:, None] == classes).to(input.dtype)
    loss = sigmoid_focal_loss(input, truth, alpha, gamma)
    if weight.numel():
        of_target = (truth * weight).sum(1, keepdim=True)
        loss = loss * torch.where(truth.any(1, keepdim=True), of_target, 1)
    return loss
