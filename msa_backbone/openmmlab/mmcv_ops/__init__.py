"""mmcv's operators on top of torchvision, for installs of mmcv that carry none.

``pip install onedl-mmcv`` brings mmcv without its compiled extension ``mmcv._ext``, and then
``import mmcv.ops``, hence ``import mmdet.models``, fails. After :func:`install` Python finds a
stand-in under that name. The stand-in answers only where no compiled extension is found, and
nothing is imported before mmcv asks for it.

The functions of :mod:`.table` have the signatures of the compiled ones and run where torchvision's
operators run, on CPU and CUDA alike. Any other operator can be looked up, as mmcv does on import,
but raises a ``RuntimeError`` when called.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["install"]


def install() -> None:
    """Let ``mmcv._ext`` be found where mmcv was installed without it; calling again is harmless.

    Call it before the first import of ``mmcv.ops`` (or of mmdet, which imports it). A failed
    earlier attempt does no harm: the next one succeeds.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)  # last, so that a compiled extension is found first


class _Finder(MetaPathFinder, Loader):
    """Finds ``mmcv._ext`` and nothing else, and makes it out of the table's functions."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self, origin=__name__) if fullname == "mmcv._ext" else None

    def exec_module(self, module: ModuleType) -> None:
        ops = importlib.import_module(f"{__name__}.table").OPS
        vars(module).update(ops, __getattr__=_unavailable_op)


_FINDER = _Finder()


def _unavailable_op(name: str) -> Callable[..., NoReturn]:
    """The stand-in's module-level ``__getattr__``: mmcv looks up every op when it is imported."""
    if name.startswith("__"):
        raise AttributeError(f"module 'mmcv._ext' has no attribute {name!r}")

    def raise_unavailable(*args: Any, **kwargs: Any) -> NoReturn:
        # No command is offered: plain `pip install --no-binary` builds out of torch's sight, where
        # mmcv skips the extension silently, and mmcv 2.3.6 does not compile with torch >= 2.14.
        raise RuntimeError(
            f"mmcv op {name!r} needs mmcv's compiled extension, which is not installed, and "
            "msa_backbone has no torchvision version of it; mmcv wheels with the extension, for "
            "some releases of torch: https://mmwheels.onedl.ai; building it from source: "
            "https://onedl-mmcv.readthedocs.io/en/latest/get_started/build.html"
        )

    return raise_unavailable
