"""The packages that only some uses need."""

import importlib.util
from collections.abc import Iterable

DISTRIBUTIONS = {"pytorch_grad_cam": "grad-cam", "sklearn": "scikit-learn"}
"""What pip calls the packages that are imported by another name."""


def require_packages(use: str, names: Iterable[str]) -> None:
    """Refuse to begin what could not be finished.

    Args:
        use: what needs the packages, for the message.
        names: by which they are imported.

    Raises:
        ValueError: with the mend, if one is not installed.
    """
    missing = [
        DISTRIBUTIONS.get(name, name) for name in names if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise ValueError(f"{use} needs {' and '.join(missing)}: pip install {' '.join(missing)}")
