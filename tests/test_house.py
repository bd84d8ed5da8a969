"""The house stays in order: imports run one way, files and folders stay small.

The rooms of the package are the folders and files right below `msa_backbone/`. They stand on
floors: a module may import from its own room and from the floors below, nothing from its own floor
beside it or above. Only import statements are seen, those inside functions too.
"""

import ast
from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = "msa_backbone"
FLOORS = (  # from bottom to top; rooms that are planned have their place already
    ("errors", "packages", "palette", "version", "progress", "config_nodes"),
    ("tasks", "files"),
    ("scores", "ops"),
    ("layers",),
    ("backbones", "decoders"),
    ("language",),
    ("data",),
    ("plots",),
    ("results",),
    ("openmmlab",),  # what a config names
    ("config",),
    ("training", "inference", "costs"),
    ("export",),
    ("model", "report", "ablation"),
    ("cli",),
    ("__init__",),  # registers everything; only tools and users import it
)
DATA_FLOORS = (  # the same inside data
    ("image_counter", "folders", "found_files"),
    ("splits", "split_names"),
    ("listed_splits",),
    ("hidden_splits",),
    ("modalities", "formats", "check_pictures"),
    ("detection",),
    ("segmentation", "classification", "language"),
    ("crops", "subset", "demo"),
    ("__init__",),
)
MOST_LINES = 250
MOST_FILES = 12


def modules(root: Path) -> dict[str, Path]:
    """The files of the package by their dotted names; a folder's name is its `__init__.py`."""
    files = sorted((root / PACKAGE).rglob("*.py"))
    names = [".".join(file.relative_to(root).with_suffix("").parts) for file in files]
    return {name.removesuffix(".__init__"): file for name, file in zip(names, files, strict=True)}


def imported(name: str, file: Path, known: dict[str, Path]) -> Iterator[str]:
    """The modules of the package that a module imports anywhere in its file."""
    package = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            names = [f"{source}.{alias.name}" for alias in node.names]
            wanted = [name if name in known else source for name in names]
        else:
            continue
        yield from (name for name in wanted if name in known)


def graph(root: Path) -> dict[str, set[str]]:
    known = modules(root)
    return {name: set(imported(name, file, known)) for name, file in known.items()}


def circle(root: Path) -> list[str]:
    """Modules that import one another in a circle; none where all is well."""
    try:
        TopologicalSorter(graph(root)).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def room(module: str, house: str) -> str:
    return module.removeprefix(house).strip(".").partition(".")[0] or "__init__"


def wrong_imports(root: Path, house: str = PACKAGE, floors: Sequence = FLOORS) -> list[str]:
    """Imports from a room that does not stand below, and rooms that stand nowhere.

    `house` is the package, or a folder of it with floors of its own.
    """
    floor = {room: number for number, rooms in enumerate(floors) for room in rooms}
    links = [
        (module, room(module, house), target, room(target, house))
        for module, targets in graph(root).items()
        for target in sorted(targets)
        if all(f"{name}.".startswith(f"{house}.") for name in (module, target))
    ]
    inside = [name for name in modules(root) if f"{name}.".startswith(f"{house}.")]
    if homeless := {room(module, house) for module in inside} - floor.keys():
        return [f"{name} is on no floor" for name in sorted(homeless)]
    return [
        f"{module} imports {target}"
        for module, above, target, below in links
        if above != below and floor[below] >= floor[above]
    ]


def long_files(root: Path) -> set[str]:
    files = [*(root / PACKAGE).rglob("*.py"), *(root / "tools").rglob("*.py")]
    return {
        file.relative_to(root).as_posix()
        for file in files
        if len(file.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }


def full_folders(root: Path) -> list[str]:
    # Links lead to the clone's configs/ and tools/, for which the rule is not meant.
    below = (p for p in (root / PACKAGE).rglob("*") if p.is_dir() and not p.is_symlink())
    folders = [root / PACKAGE, *below]
    return [str(p.relative_to(root)) for p in folders if len(list(p.glob("*.py"))) > MOST_FILES]


def test_the_package_is_seen():
    links = graph(ROOT)
    assert len(links) > 100
    assert "msa_backbone.layers.recompute" in links["msa_backbone.backbones.msa_vgg"]


def test_no_modules_import_one_another_in_a_circle():
    assert circle(ROOT) == []


def test_imports_go_down_only():
    assert wrong_imports(ROOT) == []


def test_imports_inside_data_go_down_only():
    assert wrong_imports(ROOT, f"{PACKAGE}.data", DATA_FLOORS) == []


def test_files_are_short():
    assert long_files(ROOT) == set()


def test_folders_are_small():
    assert full_folders(ROOT) == []


@pytest.fixture
def tree(tmp_path):
    """Writes a made-up package: `tree({"layers/a.py": "import torch"})` gives its root."""

    def write(files: dict[str, str]) -> Path:
        for path, text in {"__init__.py": "", **files}.items():
            file = tmp_path / PACKAGE / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
            file.parent.joinpath("__init__.py").touch()
        return tmp_path

    return write


def test_a_tree_in_order_passes(tree):
    root = tree({"layers/a.py": "from .b import f", "layers/b.py": "from ..ops import c"})
    tree({"ops/c.py": "from ..errors import DataError", "errors.py": ""})
    assert circle(root) == wrong_imports(root) == full_folders(root) == []
    assert long_files(root) == set()


@pytest.mark.parametrize("back", ["from .a import f", "def f():\n    from . import a"])
def test_a_circle_is_found(back, tree):
    root = tree({"layers/a.py": "from .b import f", "layers/b.py": back})
    assert set(circle(root)) == {"msa_backbone.layers.a", "msa_backbone.layers.b"}


@pytest.mark.parametrize(
    "line",
    [
        "from ..backbones.b import f",
        "from ..backbones import b",
        "from .. import backbones",
        "import msa_backbone.backbones.b",
        "from msa_backbone.backbones.b import f",
        "def f():\n    from ..backbones.b import f",
        "from .. import anything",  # the package itself, which imports everything
    ],
)
def test_an_import_from_above_is_found(line, tree):
    root = tree({"layers/a.py": line, "backbones/b.py": ""})
    assert len(wrong_imports(root)) == 1
    assert wrong_imports(root)[0].startswith("msa_backbone.layers.a imports msa_backbone")


def test_rooms_on_one_floor_leave_each_other_alone(tree):
    root = tree({"training/a.py": "from ..inference import b", "inference/b.py": ""})
    assert wrong_imports(root) == ["msa_backbone.training.a imports msa_backbone.inference.b"]


def test_an_import_from_above_inside_data_is_found(tree):
    root = tree({"data/formats/a.py": "from ..detection import b", "data/detection/b.py": ""})
    wrong = wrong_imports(root, f"{PACKAGE}.data", DATA_FLOORS)
    assert wrong == ["msa_backbone.data.formats.a imports msa_backbone.data.detection.b"]
    assert wrong_imports(root) == []


def test_a_room_without_a_floor_is_found(tree):
    assert wrong_imports(tree({"attic/a.py": ""})) == ["attic is on no floor"]


def test_long_files_and_full_folders_are_found(tree):
    root = tree({f"layers/{number}.py": "" for number in range(MOST_FILES)})
    tree({"ops/a.py": "\n" * MOST_LINES, "ops/b.py": "\n" * (MOST_LINES + 1)})
    tool = root / "tools/long.py"
    tool.parent.mkdir()
    tool.write_text("\n" * (MOST_LINES + 1))
    assert long_files(root) == {"msa_backbone/ops/b.py", "tools/long.py"}
    assert full_folders(root) == ["msa_backbone/layers"]
