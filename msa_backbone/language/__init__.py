"""Pictures and sentences: attention that listens, questions answered, captions written.

Models for mmengine's runner, without a toolbox. Reading text needs the `tokenizers` package.
"""

from .answerer import MSAAnswerer
from .captions.captioner import MSACaptioner
from .conditioned_attention import LanguageConditionedAttention
from .film import FiLM
from .text.text_encoder import GRUTextEncoder
from .text.tokenizer import Tokenizer, train_vocabulary

__all__ = [
    "FiLM",
    "GRUTextEncoder",
    "LanguageConditionedAttention",
    "MSAAnswerer",
    "MSACaptioner",
    "Tokenizer",
    "train_vocabulary",
]
