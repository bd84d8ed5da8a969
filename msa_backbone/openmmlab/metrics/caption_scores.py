"""BLEU, ROUGE-L and CIDEr of captions, by pycocoevalcap, without Java.

mmpretrain's COCOCaption metric, and COCO's own evaluation, run the Stanford tokenizer in Java. Here
a regular expression cuts sentences into words, in lower case and without punctuation, as that
tokenizer does for all but rare words. Scores are therefore close to COCO's, not equal.
"""

import re
from collections.abc import Sequence

from mmengine.evaluator import BaseMetric

from ...language.text.tokenizer import APOSTROPHE, WORD
from ...packages import require_packages


def words(sentence: str) -> str:
    """The words of a sentence, with a space between.

    >>> words("A dog's ice-cream, eaten.")
    "a dog 's ice-cream eaten"
    """
    return " ".join(re.findall(WORD, sentence.lower().replace(APOSTROPHE, "'")))


class CaptionScores(BaseMetric):
    """How much captions have in common with what people said, times 100.

    - `captions/BLEU-1` to `captions/BLEU-4` (https://aclanthology.org/P02-1040): n-grams of the
      captions that are in the references, over all pictures
    - `captions/ROUGE-L` (https://aclanthology.org/W04-1013): longest common subsequence
    - `captions/CIDEr` (https://arxiv.org/abs/1411.5726, CIDEr-D): n-grams weighted by how rare they
      are. The inverse document frequencies (idf) come from the references of the pictures that are
      judged, as in COCO's evaluation. So CIDEr of two sets cannot be compared, and that of a single
      picture is 0.
    - `captions/exact`: captions that are one of the references, word by word

    Args:
        options: of mmengine's BaseMetric.

    Raises:
        ValueError: without the pycocoevalcap package.
    """

    default_prefix = "captions"

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        require_packages("CaptionScores", ["pycocoevalcap"])

    def process(self, data_batch: object, data_samples: Sequence[dict]) -> None:
        """Keep every caption and its references, as words."""
        for sample in data_samples:
            truth = sample["gt_caption"]
            truth = [truth] if isinstance(truth, str) else truth
            self.results.append((words(sample["pred_caption"]), [words(text) for text in truth]))

    def compute_metrics(self, results: list[tuple[str, list[str]]]) -> dict[str, float]:
        """Scores over all pictures."""
        from pycocoevalcap.bleu.bleu import Bleu
        from pycocoevalcap.cider.cider import Cider
        from pycocoevalcap.rouge.rouge import Rouge

        truth = {number: texts for number, (_, texts) in enumerate(results)}
        said = {number: [text] for number, (text, _) in enumerate(results)}
        bleu, _ = Bleu(4).compute_score(truth, said, verbose=0)
        rouge, _ = Rouge().compute_score(truth, said)
        cider, _ = Cider().compute_score(truth, said)
        exact = sum(text in texts for text, texts in results) / len(results)
        scores = {f"BLEU-{n}": value for n, value in enumerate(bleu, 1)}
        scores |= {"ROUGE-L": rouge, "CIDEr": cider, "exact": exact}
        return {name: 100 * float(value) for name, value in scores.items()}
