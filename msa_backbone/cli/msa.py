"""The tools as one command: `msa train ...` is `python tools/train.py ...`."""

import sys
from pathlib import Path

from ..config.shipped import shipped_folder


def tools() -> dict[str, Path]:
    """The tools by their names as commands: tools/make_subset.py is `make-subset`."""
    files = sorted(shipped_folder("tools").glob("*.py"))
    return {file.stem.replace("_", "-"): file for file in files}


def main() -> None:
    """Run the tool that the first argument names, with the others."""
    known = tools()
    name = sys.argv[1].replace("_", "-") if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print("usage: msa TOOL ...\n\nTools, each with a --help of its own:")
        for tool, file in known.items():
            print(f"  {tool:18}{summary(file)}")
        return
    if name not in known:
        sys.exit(f"error: msa {sys.argv[1]}: no such tool; choose one of {', '.join(known)}")
    sys.argv = [f"msa {name}", *sys.argv[2:]]  # which runpy would replace
    code = compile(known[name].read_text(encoding="utf-8"), known[name], "exec")
    exec(code, {"__name__": "__main__", "__file__": str(known[name])})


def summary(file: Path) -> str:
    """The first line of a tool's docstring."""
    return file.read_text(encoding="utf-8").split('"""')[1].splitlines()[0]
