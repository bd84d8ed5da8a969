"""Every tool explains itself."""

import runpy
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
