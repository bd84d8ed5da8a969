"""What importing the package does: every name is known, and nothing that takes long is imported."""

import ast
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import torch

import msa_backbone
from msa_backbone.openmmlab.names import MODULES

ROOT = Path(__file__).parents[1]
SLOW = ("torch", "matplotlib", "mmcv", "mmdet", "mmseg", "mmpretrain")


def run(code: str) -> str:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    result = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def test_importing_the_package_imports_neither_torch_nor_a_toolbox():
    code = (
        "import sys, msa_backbone; from mmengine.registry import MODELS; "
        f"print([name for name in {SLOW} if name in sys.modules]); "
        "assert MODELS.get('MSAVGG') is msa_backbone.MSAVGG; assert 'VGGBBoxHead' in MODELS"
    )
    assert run(code) == "[]"


def test_every_name_is_that_of_a_class():
    for registry, modules in MODULES.items():
        for module, names in modules.items():
            for name in names:
                found = registry.get(name)
                assert found is getattr(import_module(module, "msa_backbone.openmmlab"), name)
                assert isinstance(found, type)
                assert found.__name__ == name


def test_a_config_can_name_every_hook_metric_and_transform():
    """A class is easily written and its name forgotten."""
    known = {name for rooms in MODULES.values() for names in rooms.values() for name in names}
    kinds = ("Hook", "Metric", "Transform", "Dataset", "Sampler", "OptimWrapper")
    found = {
        node.name
        for file in (ROOT / "msa_backbone/openmmlab").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        if any(ast.unparse(base).endswith(kinds) for base in node.bases)
    }
    assert len(found) > 10
    assert found <= known, found - known


def test_a_class_of_the_users_takes_the_place_of_ours_by_force_alone():
    code = (
        "import msa_backbone; from mmengine.registry import HOOKS\n"
        "class SeedHook: pass\n"
        "try: HOOKS.register_module(module=SeedHook)\n"
        "except KeyError as error: print(error)\n"
        "HOOKS.register_module(module=SeedHook, force=True)\n"
        "assert HOOKS.get('SeedHook') is SeedHook"
    )
    assert "SeedHook is already registered in hook at msa_backbone.openmmlab.hooks" in run(code)


def test_a_class_that_came_first_is_not_mistaken_for_ours():
    code = (
        "from mmengine.registry import HOOKS\n"
        "@HOOKS.register_module()\n"
        "class SeedHook: pass\n"
        "try: import msa_backbone\n"
        "except KeyError as error: print(error)"
    )
    assert "SeedHook is already registered in hook at __main__" in run(code)


def test_a_registry_tells_of_names_that_nobody_asked_for():
    code = (
        "import sys, msa_backbone\n"
        "from mmengine.registry import MODELS\n"
        "assert 'MSAVGG' in str(MODELS) and 'MSAVGG' in MODELS.module_dict.keys()\n"
        "kept = MODELS.module_dict.copy()\n"
        "assert len(MODELS) == len(kept) > 15 and 'torch' not in sys.modules\n"
        "assert MODELS.module_dict.get('MSAVGG') is msa_backbone.MSAVGG is kept['MSAVGG']\n"
        "class Another: pass\n"
        "for name in ('MSAVGG', 'SumFusion'):\n"
        "    MODELS.module_dict.pop(name)\n"
        "    assert MODELS.get(name) is None\n"
        "    MODELS.register_module(module=Another, name=name)\n"
        "    assert MODELS.get(name) is Another\n"
    )
    run(code)


def test_a_missing_toolbox_is_told_with_the_name_that_needs_it():
    code = (
        "import sys, msa_backbone; from mmengine.registry import MODELS\n"
        "sys.modules['mmseg'] = None\n"
        "try: MODELS.get('UNetHead')\n"
        "except ImportError as error: print(error)"
    )
    told = run(code)
    assert told.startswith("type='UNetHead' cannot be imported: No module named 'mmseg")
    assert told.endswith("tools/doctor.py tells what to install")


def test_rooms_are_attributes():
    code = (
        "import msa_backbone as m, sys; assert 'layers' in dir(m) and 'torch' not in sys.modules\n"
        "assert m.layers.MultiScaleAttention is m.MultiScaleAttention\n"
        "assert m.backbones.MSAVGG is m.MSAVGG and m.language.FiLM and m.ops.select_form\n"
        "assert not hasattr(m, 'rooms')"
    )
    run(code)


@pytest.mark.parametrize("toolbox", ["mmengine", "mmdet", "mmseg", "mmpretrain"])
def test_the_backbone_is_found_by_name(toolbox):
    registry = pytest.importorskip(f"{toolbox}.registry")
    backbone = registry.MODELS.build({"type": "MSAVGG", "base_channels": 16, "depth": 13})
    assert type(backbone) is msa_backbone.MSAVGG
    assert backbone(torch.rand(1, 3, 32, 32))[-1].shape == (1, 128, 1, 1)
