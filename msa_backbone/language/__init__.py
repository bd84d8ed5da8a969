"""Pictures and sentences: attention that listens, questions answered, captions written.

Models for mmengine's runner, without a toolbox. Reading text needs the `tokenizers` package.
"""

from .conditioned_attention import LanguageConditionedAttention
from .film import FiLM

__all__ = ["FiLM", "LanguageConditionedAttention"]
