"""VGG16 with Multi-Scale Attention as a backbone for OpenMMLab, torchvision and plain PyTorch.

Importing this package registers every module in mmengine's MODELS (mmdet, mmseg and mmpretrain
configs find them there) and lets torchvision serve mmcv's ops where mmcv was installed without its
compiled extension. It imports neither mmcv, mmdet nor mmseg.

Without torch it still loads exported files: `msa_backbone.load("model.onnx")`.
"""

from importlib.util import find_spec

from .model import load
from .version import __version__

if find_spec("torch") and find_spec("mmengine"):
    from . import language  # noqa: F401  (registers)
    from .backbones import MSAVGG, MultiModalMSAVGG, vgg16_msa
    from .layers import MultiScaleAttention
    from .openmmlab import (  # noqa: F401  (register by being imported)
        cpu_amp_optim_wrapper,
        lazy_builders,
        mmcv_ops,
        multi_modal_preprocessor,
    )
    from .openmmlab.datasets import picture_sampler  # noqa: F401  (registers)
    from .openmmlab.hooks import (  # noqa: F401  (register by being imported)
        atomic_checkpoint_hook,
        attention_ratio_hook,
        channels_last_hook,
        progressive_attention_hook,
        seed_hook,
    )
    from .openmmlab.metrics import (  # noqa: F401  (register by being imported)
        answer_accuracy,
        caption_scores,
        right_by_image,
    )

    mmcv_ops.install()
    __all__ = [
        "MSAVGG",
        "MultiModalMSAVGG",
        "MultiScaleAttention",
        "__version__",
        "load",
        "vgg16_msa",
    ]
else:
    __all__ = ["__version__", "load"]

    def __getattr__(name: str) -> None:
        if name in ("MSAVGG", "MultiModalMSAVGG", "MultiScaleAttention", "vgg16_msa"):
            raise ImportError(f"{name} needs torch and mmengine: pip install torch mmengine")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
