"""tools/doctor.py: what works, and the mend of what does not."""

import importlib.util
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from msa_backbone.cli import doctor

TOOL = Path(__file__).parents[2] / "tools/doctor.py"


@pytest.fixture
def installed(monkeypatch):
    """`installed(mmdet=None)`: what the doctor finds installed, beside what is."""

    def change(**versions: str | None) -> None:
        changed = {name.replace("_", "-"): value for name, value in versions.items()}

        def version(name: str) -> str:
            found = changed[name] if name in changed else real(name)
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found

        real = metadata.version
        monkeypatch.setattr(metadata, "version", version)

    return change


@pytest.fixture
def diagnose(monkeypatch, capsys):
    """The doctor's lines, and its exit code."""

    def run(*options: str) -> tuple[list[str], int]:
        monkeypatch.setattr(sys, "argv", ["doctor.py", *options])
        code = 0
        try:
            doctor.main()
        except SystemExit as end:
            code = end.code
        return capsys.readouterr().out.splitlines(), code

    return run


def mend(lines: list[str], subject: str) -> tuple[str, str]:
    """What is wrong with a subject, and its mend."""
    (number,) = [n for n, line in enumerate(lines) if line.startswith(f"FAIL {subject:12}")]
    return lines[number][18:], lines[number + 1].strip().removeprefix("mend: ")


def test_a_good_environment():
    """As a user runs it, with a step of training and a detection."""
    pytest.importorskip("mmdet")
    done = subprocess.run([sys.executable, TOOL], capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    found = [line for line in lines if line.startswith("ok  ")]
    assert len(found) <= 24  # one screen
    subjects = [line[5:17].strip() for line in found]
    for subject in ("python", "torch", "mmcv", "mmdet", "fit", "mmcv ops", "CPU", "GPU", "disk"):
        assert subject in subjects
    assert f"ok   {'torch':12} {metadata.version('torch')} (torch)" in lines
    assert "a step of training, loss " in found[-1] and " and a detection, " in found[-1]


def test_without_mmdet(installed, diagnose):
    installed(onedl_mmdetection=None)
    lines, code = diagnose("--quick")
    assert code == 1
    assert mend(lines, "mmdet") == (
        "not installed: detection and instance segmentation needs it",
        "pip install onedl-mmdetection",
    )


def test_a_torchvision_that_does_not_fit(installed, diagnose, monkeypatch):
    installed(torch="2.14.1+cpu", torchvision="0.20.0")
    monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", "torch==2.5.0"])
    lines, code = diagnose("--quick")
    assert code == 1
    assert mend(lines, "fit") == (
        "torchvision 0.20.0 is made for torch 2.5.0, and torch is 2.14.1+cpu",
        "pip install --upgrade --force-reinstall torch torchvision, both in one command",
    )


def test_a_build_for_cpus_fits(installed, diagnose, monkeypatch):
    installed(torch="2.14.1+cpu")
    monkeypatch.setattr(metadata, "requires", lambda name: ["torch (==2.14.1)"])
    lines, _ = diagnose("--quick")
    assert any(line.startswith(f"ok   {'fit':12} torchvision") for line in lines)


@pytest.mark.parametrize("official", ["mmcv", "mmcv-lite"])
def test_mmcv_of_another_distribution(official, installed, diagnose):
    installed(onedl_mmcv=None, **{official.replace("-", "_"): "2.2.0"})
    lines, code = diagnose("--quick")
    assert code == 1
    assert mend(lines, "mmcv") == (
        f"2.2.0 of {official}, which was made for torch up to 2.1",
        f"pip uninstall -y {official} && pip install onedl-mmcv",
    )


def test_no_mmcv_at_all(installed, diagnose):
    installed(onedl_mmcv=None)
    lines, code = diagnose("--quick")
    assert (code, mend(lines, "mmcv")[1]) == (1, "pip install onedl-mmcv")


@pytest.mark.parametrize("name", ["mmcv", "mmengine"])
def test_two_distributions_in_one_folder(name, installed, diagnose):
    installed(**{name: "0.10.7", f"onedl_{name}": "0.10.12"})
    lines, code = diagnose("--quick")
    assert code == 1
    assert mend(lines, name) == (
        f"onedl-{name} and {name} write into the same folder",
        f"pip uninstall -y {name} onedl-{name} && pip install onedl-{name}",
    )


def test_opencv_twice(installed, diagnose):
    installed(opencv_python="4.12.0.88", opencv_python_headless="4.9.0.80")
    lines, code = diagnose("--quick")
    assert code == 1
    assert mend(lines, "opencv")[1] == (
        "pip install opencv-python==4.12.0.88 opencv-python-headless==4.12.0.88"
    )


def test_a_full_disk(diagnose, monkeypatch):
    usage = type("Usage", (), {"free": 2e8})
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage)
    lines, code = diagnose("--quick")
    assert code == 1 and lines[-2].startswith(f"FAIL {'disk':12} 0.2 GB free at ")
    assert lines[-1].endswith("mend: free 1 GB or more for checkpoints")


def test_the_doctor_comes_where_nothing_can_be_imported():
    """Without mmengine the package itself cannot be imported, and its doctor tells why."""
    spec = importlib.util.find_spec("msa_backbone")
    program = (
        "import sys, runpy\n"
        "sys.modules.update(dict.fromkeys(('mmengine', 'torch', 'mmcv')))\n"
        f"sys.path.insert(0, {str(Path(spec.origin).parents[1])!r})\n"
        f"sys.argv = ['doctor.py', '--quick']\n"
        f"runpy.run_path({str(TOOL)!r}, run_name='__main__')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and not done.stderr, done.stderr
    assert f"FAIL {'torch':12} does not load: " in done.stdout
