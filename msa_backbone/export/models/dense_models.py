"""mmseg's segmenters and mmpretrain's classifiers as tensor functions of any number of pictures."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Segmenter(nn.Module):
    """Classes of pixels.

    Args:
        segmenter: mmseg's EncoderDecoder, which predicts whole pictures.
    """

    outputs = ("classes", "logits")
    reads = False

    def __init__(self, segmenter: nn.Module) -> None:
        super().__init__()
        self.segmenter = segmenter

    def forward(self, x: Tensor, resized: Tensor, original: Tensor) -> tuple[Tensor, Tensor]:
        """Segment pictures of one size.

        Args:
            x: normalised pictures, (N, C, H, W).
            resized: not looked at; detectors have it.
            original: height and width of the pictures before they were resized, (2,).

        Returns:
            The class of every pixel of the originals, (N, H, W), uint8; and the logits of all
            classes, (N, classes, H, W), or of one, whose class is 1 above the head's threshold.
        """
        head = self.segmenter.decode_head
        logits = head(self.segmenter.extract_feat(x))
        logits = self._resize(logits, x.shape[2], x.shape[3])
        height, width = original.long().tolist()
        torch._check(height >= 1)  # for torch.export, which sees no values
        torch._check(width >= 1)
        logits = self._resize(logits, height, width)
        if logits.shape[1] > 1:
            return logits.argmax(dim=1).to(torch.uint8), logits
        return (logits[:, 0].sigmoid() > head.threshold).to(torch.uint8), logits

    def _resize(self, logits: Tensor, height: int, width: int) -> Tensor:
        return F.interpolate(
            logits, (height, width), mode="bilinear", align_corners=self.segmenter.align_corners
        )


class Classifier(nn.Module):
    """Classes of pictures.

    Args:
        classifier: mmpretrain's ImageClassifier with a head for one class a picture.
    """

    outputs = ("scores", "logits")
    reads = False

    def __init__(self, classifier: nn.Module) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, x: Tensor, resized: Tensor, original: Tensor) -> tuple[Tensor, Tensor]:
        """Classify pictures, (N, C, H, W), normalised.

        Returns:
            Probabilities and logits of the classes, (N, classes) each.
        """
        logits = self.classifier.head(self.classifier.extract_feat(x))
        return logits.softmax(dim=1), logits
