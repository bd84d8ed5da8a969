"""Sigmoid focal loss, which mmdet takes from mmcv for tensors on CUDA."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torchvision.ops import sigmoid_focal_loss


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
    output.copy_(_loss(input, target, weight, gamma, alpha))


def sigmoid_focal_loss_backward(
    input: Tensor, target: Tensor, weight: Tensor, grad_input: Tensor, gamma: float, alpha: float
) -> None:
    """Derivative of each loss for its logit, written into `grad_input` (N, C)."""
    input = input.detach().requires_grad_()
    with torch.enable_grad():
        loss = _loss(input, target, weight, gamma, alpha)
    grad_input.copy_(torch.autograd.grad(loss, input, torch.ones_like(loss))[0])


def _loss(input: Tensor, target: Tensor, weight: Tensor, gamma: float, alpha: float) -> Tensor:
    classes = input.shape[1]
    known = (target >= 0) & (target < classes)
    column = torch.where(known, target, classes)
    truth = one_hot(column, classes + 1)[:, :classes].to(input.dtype)
    loss = sigmoid_focal_loss(input, truth, alpha, gamma)
    if weight.numel():
        loss = loss * torch.cat([weight, weight.new_ones(1)])[column, None]
    return loss
