"""torch.export takes the backbone, the detectors' dense parts and the segmenters, for any size."""

import pytest
import torch
from exported_models import build, make_lively, small_config
from torch import nn

from msa_backbone import MSAVGG

SIZES = ((160, 192), (192, 160), (256, 320))


class DenseParts(nn.Module):
    """Features, and every map of the head on them."""

    def __init__(self, model: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.model, self.head = model, head

    def forward(self, x: torch.Tensor):
        return self.head(self.model.extract_feat(x))


def check(module: nn.Module) -> None:
    """The exported program is the module's equal on sizes that it was not exported with."""
    any_size = torch.export.Dim.DYNAMIC
    example = torch.randn(2, 3, 256, 384)
    dynamic = ({0: any_size, 2: any_size, 3: any_size},)
    program = torch.export.export(module, (example,), dynamic_shapes=dynamic).module()
    for number, size in enumerate(SIZES):
        x = torch.randn(number + 1, 3, *size)
        with torch.no_grad():
            expected = torch.utils._pytree.tree_leaves(module(x))
            found = torch.utils._pytree.tree_leaves(program(x))
        assert len(found) == len(expected) > 0
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("before_pool", [False, True])
def test_backbone(before_pool):
    torch.manual_seed(0)
    attention = {"type": "MultiScaleAttention", "reduction_ratio": 4}
    options = {"out_before_pool": before_pool, "zero_init": False, "attention": attention}
    check(MSAVGG(base_channels=8, norm_cfg={"type": "BN"}, **options).eval())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("faster-rcnn", "rpn_head"),
        ("single-level", "rpn_head"),
        ("mask-rcnn", "rpn_head"),
        ("retinanet", "bbox_head"),
        ("unet", "decode_head"),
        ("fcn", "decode_head"),
    ],
)
def test_dense_parts(kind, head):
    model = build(small_config(kind))
    make_lively(model, torch.randn(2, 3, 128, 192))
    check(DenseParts(model, getattr(model, head)).eval())
