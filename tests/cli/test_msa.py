"""The tools as one command, from a wheel and from the clone."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from msa_backbone.cli import msa

ROOT = Path(__file__).parents[2]


def run(monkeypatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/msa", *arguments])
    msa.main()


def test_help_lists_every_tool(monkeypatch, capsys):
    run(monkeypatch)
    listed = capsys.readouterr().out
    run(monkeypatch, "--help")
    assert capsys.readouterr().out == listed
    names = [file.stem.replace("_", "-") for file in sorted((ROOT / "tools").glob("*.py"))]
    lines = [line.split(maxsplit=1) for line in listed.splitlines() if line.startswith("  ")]
    assert [name for name, _ in lines] == names
    assert dict(lines)["train"] == (
        "Train a config of mmdet, mmseg or mmpretrain, on its own data or on yours."
    )


@pytest.mark.parametrize("name", ["make-crops", "make_crops"])
def test_a_tool_gets_the_other_arguments(name, monkeypatch):
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, name, "nowhere", "crops", "--size", "64")
    assert "nowhere" in str(stop.value)


def test_a_tools_own_help_names_the_command(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, "compare-runs", "--help")
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("usage: msa compare-runs")


def test_another_tool_is_named(monkeypatch):
    with pytest.raises(SystemExit, match="error: msa trian: no such tool; choose one of ablation,"):
        run(monkeypatch, "trian")


def test_a_wheel_holds_configs_and_tools(tmp_path):
    """Built from a copy: the clone stays as it is."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for name in ("msa_backbone", "configs", "tools"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, clone / name, symlinks=True, ignore=ignored)
    build = "import setuptools.build_meta as b; print(b.build_wheel('.'))"
    done = subprocess.run(
        [sys.executable, "-c", build], cwd=clone, capture_output=True, text=True, check=True
    )
    with zipfile.ZipFile(clone / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
    for folder in ("configs", "tools"):
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}
        assert len(files) > 10
        assert {f"msa_backbone/{file}" for file in files} <= names
    assert "msa_backbone/report/templates/report.html" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"msa_backbone"}
