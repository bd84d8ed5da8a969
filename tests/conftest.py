"""The real data where they are, and tests/ on the path: `from references import ...` everywhere."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def _real_data(name: str) -> Path:
    path = Path(__file__).parents[2] / "shared" / "data" / name
    if not path.is_dir():
        pytest.skip(f"the {name} images are not at {path}")
    return path


@pytest.fixture
def bccd() -> Path:
    return _real_data("bccd")


@pytest.fixture
def coco128() -> Path:
    return _real_data("coco128")


@pytest.fixture
def camvid() -> Path:
    return _real_data("camvid")
