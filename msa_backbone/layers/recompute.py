"""Gradient checkpointing that updates the norms' statistics once.

Activations take most of a training's memory. They can be computed again in the backward pass
instead of being stored (https://arxiv.org/abs/1604.06174). But a batch norm that runs twice would
count the batch twice in its running statistics.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.checkpoint import checkpoint


def recompute_in_backward(
    owner: nn.Module, function: Callable[..., Tensor], *args: object
) -> Tensor:
    """`function(*args)`, its activations recomputed in the backward pass.

    Args:
        owner: module whose norm layers `function` runs.
    """
    if torch.compiler.is_compiling():  # it counts a batch once by itself, and takes no context_fn
        return checkpoint(function, *args, use_reentrant=False)
    # Flat, as only tensors that are arguments themselves are saved where hooks see them.
    leaves, structure = tree_flatten(args)
    return checkpoint(
        lambda *leaves: function(*tree_unflatten(leaves, structure)),
        *leaves,
        use_reentrant=False,
        context_fn=lambda: (nullcontext(), _statistics_kept(owner)),
    )


@contextmanager
def _statistics_kept(owner: nn.Module) -> Iterator[None]:
    """Norm layers inside `owner` update copies of their statistics, which are thrown away."""
    norms = [module for module in owner.modules() if isinstance(module, _NormBase)]
    kept = [(norm, name, value) for norm in norms for name, value in norm.named_buffers()]
    for norm, name, value in kept:
        setattr(norm, name, value.clone())
    try:
        yield
    finally:
        for norm, name, value in kept:
            setattr(norm, name, value)
