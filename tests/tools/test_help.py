"""Every tool explains itself."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = sorted(Path(__file__).parents[2].joinpath("tools").glob("*.py"))


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.stem)
def test_help_is_printed(tool, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", [str(tool), "--help"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(tool), run_name="__main__")
    assert end.value.code in (0, None)
    assert capsys.readouterr().out.startswith(f"usage: {tool.name}")


WITHOUT = {
    "matplotlib",
    "mmdet",
    "mmseg",
    "mmpretrain",
    "onnx",
    "plotly",
    "sklearn",
    "torch",
    "torchvision",
}

IN_ONE_PROCESS = """
import json, runpy, sys
found = {}
for tool in sys.argv[1:]:
    sys.argv = [tool, "--help"]
    before = set(sys.modules)
    try:
        runpy.run_path(tool, run_name="__main__")
    except SystemExit:
        pass
    found[tool] = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
print("\\n" + json.dumps(found))
"""


def test_help_waits_for_no_package_that_only_the_work_needs() -> None:
    command = [sys.executable, "-c", IN_ONE_PROCESS, *map(str, TOOLS)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    imported = json.loads(shown.splitlines()[-1])
    assert len(imported) == len(TOOLS) > 15
    heavy = {tool: WITHOUT.intersection(names) for tool, names in imported.items()}
    assert {tool: names for tool, names in heavy.items() if names} == {}
