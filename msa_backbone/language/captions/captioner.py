"""Captions: a backbone looks at a picture, a transformer says what it sees."""

import os
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import BaseDataElement
from torch import Tensor

from ..text.tokenizer import BEGIN, END, PAD, UNKNOWN, Tokenizer
from .beam_search import beam_search
from .caption_decoder import CaptionDecoder


class MSACaptioner(BaseModel):
    """Writes a sentence about each picture.

    In training every word is predicted from the true words before it (teacher forcing).

    Args:
        backbone: of a registered backbone with `out_channels`, as `MSAVGG`; words look at the
            places of all its outputs.
        vocabulary: as in `Tokenizer`.
        decoder: options of `CaptionDecoder` beside the sizes of vocabulary and maps.
        longest: most words of a sentence.
        beams, length_penalty: of `beam_search`; one beam is a greedy search.
        label_smoothing: share of the truth that is spread over all words
            (https://arxiv.org/abs/1512.00567, section 7).
        data_preprocessor, init_cfg: mmengine's.
    """

    def __init__(
        self,
        backbone: dict,
        vocabulary: str | os.PathLike,
        decoder: dict | None = None,
        longest: int = 30,
        beams: int = 3,
        length_penalty: float = 0.7,
        label_smoothing: float = 0.0,
        data_preprocessor: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(data_preprocessor, init_cfg)
        self.tokenizer = Tokenizer(vocabulary)
        self.backbone = MODELS.build(backbone)
        self.decoder = CaptionDecoder(
            len(self.tokenizer), self.backbone.out_channels, **(decoder or {})
        )
        self.longest = longest
        self.beams = beams
        self.length_penalty = length_penalty
        self.label_smoothing = label_smoothing

    def forward(
        self,
        images: Tensor,
        data_samples: Sequence[BaseDataElement] | None = None,
        mode: str = "tensor",
    ) -> dict[str, Tensor] | list[BaseDataElement] | Tensor:
        """mmengine's interface.

        Args:
            images: (N, C, H, W).
            data_samples: one a picture. 'loss' reads `gt_caption`, a sentence or several.
            mode: 'loss'; 'predict', which writes `pred_caption`; or 'tensor', what words attend to.

        Raises:
            ValueError: for another mode, or samples without a caption.
        """
        places = self.decoder.read(self.backbone(images))
        if mode == "tensor":
            return places
        if mode == "loss":
            return {"loss": self._loss(places, data_samples)}
        if mode != "predict":
            raise ValueError(f"mode='{mode}' is unknown: choose 'loss', 'predict' or 'tensor'")
        samples = data_samples or [BaseDataElement() for _ in images]
        for sample, caption in zip(samples, self.captions(places), strict=True):
            sample.pred_caption = caption
        return list(samples)

    def _loss(self, places: Tensor, data_samples: Sequence[BaseDataElement]) -> Tensor:
        """Cross-entropy of a word, averaged over all words of all captions."""
        captions, picture = [], []
        for number, sample in enumerate(data_samples):
            truth = sample.get("gt_caption")
            if not truth:
                raise ValueError(
                    "a picture of the training data has no gt_caption: give it one, or leave it out"
                )
            sentences = [truth] if isinstance(truth, str) else truth
            captions += sentences
            picture += [number] * len(sentences)
        tokens = self.tokenizer(captions)
        logits = self.decoder(tokens[:, :-1], places[torch.tensor(picture, device=places.device)])
        return F.cross_entropy(
            logits.flatten(0, 1),
            tokens[:, 1:].flatten(),
            ignore_index=PAD,
            label_smoothing=self.label_smoothing,
        )

    @torch.no_grad()
    def captions(self, places: Tensor) -> list[str]:
        """A sentence for each picture, from what words attend to, (N, S, D)."""

        def next_words(beginnings: Tensor, sample: Tensor) -> Tensor:
            logits = self.decoder(beginnings, places[sample])[:, -1].float()
            logits[:, [PAD, UNKNOWN, BEGIN]] = -torch.inf  # never written
            return logits.log_softmax(1)

        begin = torch.full((len(places),), BEGIN, device=places.device)
        options = self.beams, self.length_penalty
        tokens, _ = beam_search(next_words, begin, END, self.longest, *options)
        return self.tokenizer.decode(tokens)
