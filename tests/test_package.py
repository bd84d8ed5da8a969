"""What importing the package does: everything is registered, no toolbox is imported."""

import os
import subprocess
import sys

import pytest
import torch

import msa_backbone


def test_importing_the_package_imports_no_toolbox():
    code = (
        "import sys, msa_backbone; from mmengine.registry import MODELS; "
        "assert MODELS.get('MSAVGG') is msa_backbone.MSAVGG; assert MODELS.get('VGGBBoxHead'); "
        "print([m for m in sys.modules if m.split('.')[0] in ('mmcv', 'mmdet', 'mmseg')])"
    )
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("toolbox", ["mmengine", "mmdet", "mmseg", "mmpretrain"])
def test_the_backbone_is_found_by_name(toolbox):
    registry = pytest.importorskip(f"{toolbox}.registry")
    backbone = registry.MODELS.build({"type": "MSAVGG", "base_channels": 16, "depth": 13})
    assert type(backbone) is msa_backbone.MSAVGG
    assert backbone(torch.rand(1, 3, 32, 32))[-1].shape == (1, 128, 1, 1)
