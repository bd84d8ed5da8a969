"""VGG16 with Multi-Scale Attention as a backbone for OpenMMLab, torchvision and plain PyTorch.

After `import msa_backbone` configs of mmengine, mmdet, mmseg and mmpretrain find every module by
its name, and torchvision serves mmcv's ops where mmcv was installed without its compiled extension.
The import itself is quick: torch, mmcv, mmdet and mmseg are imported by what needs them.

Without torch it still loads exported files: `msa_backbone.load("model.onnx")`.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from .model import load
from .version import __version__

if TYPE_CHECKING:
    from .backbones import MSAVGG, MultiModalMSAVGG, vgg16_msa
    from .layers import MultiScaleAttention

__all__ = ["MSAVGG", "MultiModalMSAVGG", "MultiScaleAttention", "__version__", "load", "vgg16_msa"]

_ROOMS = ("backbones", "language", "layers", "ops")
_ROOM_OF = {
    "MSAVGG": "backbones",
    "MultiModalMSAVGG": "backbones",
    "MultiScaleAttention": "layers",
    "vgg16_msa": "backbones",
}
_HAS_TORCH = bool(find_spec("torch") and find_spec("mmengine"))

if _HAS_TORCH:
    from .openmmlab import mmcv_ops, names

    mmcv_ops.install()
    names.register()
else:
    __all__ = ["__version__", "load"]


def __getattr__(name: str) -> object:
    if name not in (*_ROOMS, *_ROOM_OF):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if not _HAS_TORCH:
        raise ImportError(f"{name} needs torch and mmengine: pip install torch mmengine")
    room = import_module(f".{_ROOM_OF.get(name, name)}", __name__)
    return room if name in _ROOMS else getattr(room, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *(_ROOMS if _HAS_TORCH else ())})
