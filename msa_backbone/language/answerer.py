"""Questions about pictures, answered by choosing among the answers of the training data."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from .answers import answer_shares, check_answers
from .shared_pictures import shared_pictures
from .text.stored_text import StoredText
from .text.tokenizer import Tokenizer


@dataclass(frozen=True)
class Conditioning:
    """Where the question goes.

    Attributes:
        backbone_hears: the backbone's attention takes it.
        head_sees: what the answer is read from: the picture, the question, or both.
    """

    backbone_hears: bool
    head_sees: tuple[str, ...]


class MSAAnswerer(BaseModel):
    """Classification over the answers, from a picture and a question (VQA,
    https://arxiv.org/abs/1505.00468, section 4).

    A recurrent network reads the question, the backbone looks at the picture, and two linear layers
    answer. How the two meet is `conditioning`, by name:

    - 'backbone': the backbone's attention takes the question, and the last layers see both; with
      `attention=dict(type='LanguageConditionedAttention', ...)` or `FiLM`
    - 'backbone_only': the same, but the last layers see only the picture, as in FiLM's network
    - 'concat': the last layers see both, the backbone looks at every picture in the same way
    - 'question', 'picture': without the other, to know what can be guessed

    Consecutive equal pictures of a batch, those with several questions, run through the backbone
    once, up to the first module that listens; norms then count them once.

    Args:
        vocabulary: as in `Tokenizer`; not used with 'picture'.
        answers: those to choose from.
        backbone: of a registered backbone with `out_channels`, as `MSAVGG`, whose last output is
            used; not built with 'question'.
        text_encoder: of a registered text encoder that takes `vocabulary_size` and has `channels`,
            as `GRUTextEncoder`.
        conditioning: see above.
        hidden_channels: between the last two linear layers.
        pool: 'average' or 'max' of the picture's features. What small things look like is read in
            fewer steps through the maximum, which FiLM's network takes
            (https://arxiv.org/abs/1709.07871, section 3.2).
        pool_size: that many rows and columns are left: with 1, where something is gets lost.
        dropout: in training, probability of leaving out a hidden channel.
        data_preprocessor, init_cfg: mmengine's.

    Raises:
        ValueError: for another conditioning or pool, or parts that it does not use or lacks.
        DataError: without answers, or with one twice.
    """

    conditionings: ClassVar[dict[str, Conditioning]] = {
        "backbone": Conditioning(True, ("picture", "question")),
        "backbone_only": Conditioning(True, ("picture",)),
        "concat": Conditioning(False, ("picture", "question")),
        "question": Conditioning(False, ("question",)),
        "picture": Conditioning(False, ("picture",)),
    }

    pools: ClassVar[dict[str, type[nn.Module]]] = {
        "average": nn.AdaptiveAvgPool2d,
        "max": nn.AdaptiveMaxPool2d,
    }

    def __init__(
        self,
        vocabulary: str | os.PathLike | None,
        answers: Sequence[str],
        backbone: dict | None,
        text_encoder: dict = {"type": "GRUTextEncoder"},  # noqa: B006 (never changed)
        conditioning: str = "backbone",
        hidden_channels: int = 256,
        pool: str = "average",
        pool_size: int = 1,
        dropout: float = 0.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        if conditioning not in self.conditionings:
            raise ValueError(
                f"conditioning='{conditioning}' is unknown: choose one of "
                f"{', '.join(self.conditionings)}"
            )
        if pool not in self.pools:
            raise ValueError(f"pool='{pool}' is unknown: choose one of {', '.join(self.pools)}")
        self.conditioning = self.conditionings[conditioning]
        self.answers = check_answers(answers)
        self.answers_text = StoredText(
            json.dumps(self.answers, ensure_ascii=False), "set of answers"
        )
        reads = self.conditioning.backbone_hears or "question" in self.conditioning.head_sees
        looks = "picture" in self.conditioning.head_sees
        for option, value, used in (
            ("vocabulary", vocabulary, reads),
            ("backbone", backbone, looks),
        ):
            if used and value is None:
                raise ValueError(f"conditioning='{conditioning}' needs a {option}")
        self.tokenizer = Tokenizer(vocabulary) if reads else None
        self.text_encoder = (
            MODELS.build(dict(text_encoder, vocabulary_size=len(self.tokenizer))) if reads else None
        )
        self.backbone = MODELS.build(backbone) if looks else None
        self._check_listeners(conditioning)
        self.pool = self.pools[pool](pool_size)
        seen = self.backbone.out_channels[-1] * pool_size**2 if looks else 0
        if "question" in self.conditioning.head_sees:
            seen += self.text_encoder.channels
        self.head = nn.Sequential(
            nn.Linear(seen, hidden_channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden_channels, len(self.answers)),
        )

    def _check_listeners(self, conditioning: str) -> None:
        """Words that nobody hears, and ears that get no words, are mistakes of the config.

        Raises:
            ValueError: naming what to change.
        """
        modules = [] if self.backbone is None else list(self.backbone.modules())
        listeners = [module for module in modules if getattr(module, "listens", False)]
        if self.conditioning.backbone_hears != bool(listeners):
            if listeners:
                problem = "listens, but is told nothing: give it an attention that does not listen"
            else:
                problem = "does not listen: give it LanguageConditionedAttention or FiLM"
            raise ValueError(f"with conditioning='{conditioning}' the backbone {problem}")
        for module in listeners:
            if module.text_channels != self.text_encoder.channels:
                raise ValueError(
                    f"text_channels={module.text_channels} of {type(module).__name__} are not the "
                    f"text encoder's channels={self.text_encoder.channels}: make them equal"
                )

    def forward(
        self,
        images: Tensor,
        data_samples: Sequence[BaseDataElement],
        mode: str = "tensor",
    ) -> dict[str, Tensor] | list[BaseDataElement] | Tensor:
        """mmengine's interface, with the fields of mmpretrain's question answering.

        Args:
            images: (N, C, H, W).
            data_samples: one a picture, with a `question`. 'loss' reads `gt_answer`, one or
                several, and `gt_answer_weight`, the share of the people who gave each.
            mode: 'loss'; 'predict', which writes `pred_answer` and `pred_score`, the probability of
                each answer; or 'tensor', logits (N, answers).

        Raises:
            ValueError: for another mode, or samples without a question or an answer.
        """
        logits = self.logits(images, [sample.get("question") for sample in data_samples])
        if mode == "tensor":
            return logits
        if mode == "loss":
            truth = answer_shares(data_samples, self.answers).to(logits.device)
            # Truth that is not among the answers teaches nothing: its row is zero.
            return {"loss": -(truth * logits.log_softmax(1)).sum(1).mean()}
        if mode != "predict":
            raise ValueError(f"mode='{mode}' is unknown: choose 'loss', 'predict' or 'tensor'")
        for sample, scores in zip(data_samples, logits.softmax(1), strict=True):
            sample.pred_answer = self.answers[scores.argmax().item()]
            sample.pred_score = scores
        return list(data_samples)

    def encode(self, questions: Sequence[str]) -> Tensor:
        """Questions to embeddings, (N, text channels).

        Raises:
            ValueError: for what is no text.
        """
        for question in questions:
            if not isinstance(question, str):
                raise ValueError(f"question={question!r} is no text: give every picture a question")
        return self.text_encoder(self.tokenizer(questions))

    def logits(self, images: Tensor, questions: Sequence[str]) -> Tensor:
        """(N, C, H, W) and N questions -> (N, answers)."""
        sentence = None if self.text_encoder is None else self.encode(questions)
        seen = []
        if self.backbone is not None:
            pictures, picture = shared_pictures(images)
            if self.conditioning.backbone_hears:
                features = self.backbone(pictures, sentence=sentence, picture=picture)[-1]
            else:
                features = self.backbone(pictures)[-1]
                features = features if picture is None else features[picture]
            seen.append(self.pool(features).flatten(1))
        if "question" in self.conditioning.head_sees:
            seen.append(sentence)
        return self.head(torch.cat(seen, dim=1))
