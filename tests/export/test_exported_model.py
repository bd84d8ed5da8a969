"""What an exported file found, as its toolbox has it."""

import numpy as np
import pytest

pytest.importorskip("mmseg")
pytest.importorskip("onnxruntime")
from mmseg.structures import SegDataSample

from msa_backbone.export.exported_model import set_predictions


@pytest.mark.parametrize("channels", [1, 3])
def test_of_one_channel_mmseg_keeps_the_probability(channels):
    logits = np.linspace(-2, 2, channels * 4, dtype=np.float32).reshape(channels, 2, 2)
    sample = SegDataSample()
    set_predictions(sample, {"classes": np.zeros((2, 2), np.uint8), "logits": logits})
    expected = 1 / (1 + np.exp(-logits)) if channels == 1 else logits
    assert np.allclose(sample.seg_logits.data, expected, atol=1e-6)
