"""Find out whether everything that training needs is here and fits together.

Prints one line for each thing that was looked at, which is what a bug report needs. Where something
cannot work the line says what, and the next one how to mend it; the exit code is then 1. At the end
a tiny detector makes a step of training and predicts; --quick leaves that out.
"""

import argparse
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata

LEAST_PYTHON = (3, 10)
LEAST_DISK = 1.0
"""Gigabytes that have to be free for checkpoints."""

NEEDED = {"torch": "torch", "torchvision": "torchvision", "mmengine": "onedl-mmengine"}
"""Modules that everything needs, by the distributions that bring them."""

TOOLBOXES = {
    "mmcv": ("onedl-mmcv", "reading and changing pictures"),
    "mmdet": ("onedl-mmdetection", "detection and instance segmentation"),
    "mmseg": ("onedl-mmsegmentation", "semantic segmentation"),
    "mmpretrain": ("onedl-mmpretrain", "classification"),
}
OFFICIAL = {
    "mmengine": ("mmengine", "mmengine-lite"),
    "mmcv": ("mmcv", "mmcv-lite", "mmcv-full"),
    "mmdet": ("mmdet",),
    "mmseg": ("mmsegmentation",),
    "mmpretrain": ("mmpretrain",),
}
"""Distributions with the same modules that were made for torch up to 2.1."""

OPTIONAL = ("numpy", "opencv-python", "opencv-python-headless", "matplotlib", "pycocotools",
            "tokenizers", "onnx", "onnxruntime", "openvino", "triton")  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        subject, text: what was looked at, and what was found.
        mend: how it is mended; None where it works.
    """

    subject: str
    text: str
    mend: str | None = None

    def lines(self) -> list[str]:
        mark = "ok  " if self.mend is None else "FAIL"
        found = [f"{mark} {self.subject:12} {self.text}"]
        return found if self.mend is None else [*found, f"     {'':12} mend: {self.mend}"]


def version(distribution: str) -> str | None:
    """The installed version, None where it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def check_python() -> Iterator[Finding]:
    text = f"{platform.python_version()}, {platform.platform()}"
    old = sys.version_info < LEAST_PYTHON
    yield Finding("python", text, "install Python 3.10 or later" if old else None)


def check_needed() -> Iterator[Finding]:
    for module, distribution in NEEDED.items():
        yield _find_module(module, distribution, "all but exported files")


def check_toolboxes() -> Iterator[Finding]:
    for module, (distribution, purpose) in TOOLBOXES.items():
        yield _find_module(module, distribution, purpose)


def _find_module(module: str, distribution: str, purpose: str) -> Finding:
    """Which distributions bring a module: the one that should, another one, both or none."""
    found = version(distribution)
    rivals = [name for name in OFFICIAL.get(module, ()) if version(name)]
    install = f"pip install {distribution}"
    if found and rivals:
        return Finding(
            module,
            f"{distribution} and {rivals[0]} write into the same folder",
            f"pip uninstall -y {' '.join(rivals)} {distribution} && {install}",
        )
    if found:
        return Finding(module, f"{found} ({distribution})")
    if rivals:
        return Finding(
            module,
            f"{version(rivals[0])} of {rivals[0]}, which was made for torch up to 2.1",
            f"pip uninstall -y {' '.join(rivals)} && {install}",
        )
    return Finding(module, f"not installed: {purpose} needs it", install)


def check_fit() -> Iterator[Finding]:
    """torchvision is compiled for one version of torch, and says which."""
    torch, torchvision = version("torch"), version("torchvision")
    if not (torch and torchvision):
        return
    wanted = next(
        (
            match.group(1)
            for line in metadata.requires("torchvision") or ()
            if (match := re.match(r"torch\s*\(?==\s*([\w.]+)", line))
        ),
        None,
    )
    mend = "pip install --upgrade --force-reinstall torch torchvision, both in one command"
    if wanted and wanted.split("+")[0] != torch.split("+")[0]:
        text = f"torchvision {torchvision} is made for torch {wanted}, and torch is {torch}"
        yield Finding("fit", text, mend)
        return
    try:
        import_module("torchvision.ops")
        import_module("torch").ops.torchvision.nms  # noqa: B018
    except Exception as error:  # a library that does not load can raise anything
        yield Finding("fit", f"torchvision {torchvision} does not load: {_first(error)}", mend)
        return
    yield Finding("fit", f"torchvision {torchvision} is made for torch {torch}")


def check_optional() -> Iterator[Finding]:
    found = {name: version(name) for name in OPTIONAL}
    yield Finding("others", ", ".join(f"{name} {v or '-'}" for name, v in found.items()))
    cv = {found[name] for name in OPTIONAL[1:3]} - {None}
    if len(cv) > 1:
        text = f"opencv-python and opencv-python-headless differ: {' and '.join(sorted(cv))}"
        newest = max(cv, key=lambda text: [int(part) for part in re.findall(r"\d+", text)])
        mend = f"pip install opencv-python=={newest} opencv-python-headless=={newest}"
        yield Finding("opencv", text, mend)


def check_operators() -> Iterator[Finding]:
    """Which of mmcv's operators are served by what."""
    if not version(TOOLBOXES["mmcv"][0]):
        return
    try:
        extension = import_module("mmcv._ext")
        from ..openmmlab.mmcv_ops.table import OPS
    except Exception as error:
        yield Finding("mmcv ops", f"not to be had: {_first(error)}", "pip install onedl-mmcv")
        return
    if getattr(extension, "__file__", None):
        yield Finding("mmcv ops", "all by mmcv's own compiled extension")
        return
    served = sorted({name.split("_forward")[0].split("_backward")[0] for name in OPS})
    served = [name for name in served if not name.startswith("get_")]
    yield Finding("mmcv ops", f"by torchvision: {', '.join(served)}; others: none")


def check_hardware() -> Iterator[Finding]:
    try:
        torch = import_module("torch")
    except Exception as error:
        yield Finding("torch", f"does not load: {_first(error)}", "pip install --upgrade torch")
        return
    level = torch.backends.cpu.get_cpu_capability()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("CPU", f"{cores} cores, {level}, torch uses {torch.get_num_threads()} threads")
    if not torch.cuda.is_available():
        idle = shutil.which("nvidia-smi") and torch.version.cuda is None
        why = "; nvidia-smi is here, but this torch is built for CPUs" if idle else ""
        yield Finding("GPU", f"none that torch can use{why}")
        return
    name = torch.cuda.get_device_name()
    try:
        x = torch.ones(1, 16, 32, 32, device="cuda")
        torch.nn.functional.conv2d(x, x[:, :, :3, :3]).sum().item()
        from ..ops.select_form import _kernels_work

        kernels = "run" if _kernels_work(x.device) else "do not run: the plain form serves"
        yield Finding("GPU", f"{name}, CUDA {torch.version.cuda}; Triton kernels {kernels}")
    except Exception as error:
        mend = "install a torch that is built for this GPU and driver, see pytorch.org"
        yield Finding("GPU", f"{name} does not compute: {_first(error)}", mend)


def check_disk() -> Iterator[Finding]:
    for folder in dict.fromkeys((os.getcwd(), tempfile.gettempdir())):
        free = shutil.disk_usage(folder).free / 1e9
        mend = None if free >= LEAST_DISK else f"free {LEAST_DISK:.0f} GB or more for checkpoints"
        yield Finding("disk", f"{free:.1f} GB free at {folder}", mend)


def check_at_work() -> Iterator[Finding]:
    """A tiny detector learns and predicts."""
    try:
        from .doctor_proof import train_and_detect

        yield Finding("at work", train_and_detect())
    except Exception as error:
        mend = "mend what is above; else report this with the lines above"
        yield Finding("at work", f"{type(error).__name__}: {_first(error)}", mend)


def _first(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_python, check_needed, check_toolboxes, check_fit, check_optional, check_operators,
    check_hardware, check_disk,
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="leave out training and detection")
    quick = parser.parse_args().quick
    failed = False
    for check in CHECKS if quick else (*CHECKS, check_at_work):
        for finding in check():
            failed |= finding.mend is not None
            print("\n".join(finding.lines()), flush=True)
    if failed:
        sys.exit(1)
