"""What a model gets of a picture, and the colours of its classes."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.registry import TRANSFORMS
from PIL import Image

pytest.importorskip("mmpretrain")
from exported_models import CLASSES, Trained, noise

from msa_backbone.inference.predictor import Predictor


def predictor_of(model: Trained, **loading: object) -> Predictor:
    """With these options of LoadImageFromFile."""
    cfg = model.cfg()
    cfg.test_dataloader.dataset.pipeline[0].update(loading)
    return Predictor(cfg, str(model.checkpoint))


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("color_type", ["color", "grayscale"])
@pytest.mark.parametrize("to_float32", [False, True])
def test_a_picture_is_what_the_test_pipeline_loads(mode, color_type, to_float32, trained, tmp_path):
    model, loading = trained("classifier"), {"color_type": color_type, "to_float32": to_float32}
    file = tmp_path / "a.png"
    Image.fromarray(noise(97, 131)).convert(mode).save(file)
    predictor = predictor_of(model, **loading)
    (found,) = predictor.inputs([predictor.read(file)], ["a"])["inputs"]
    steps = model.cfg().test_dataloader.dataset.pipeline
    steps[0].update(loading)
    pipeline = Compose([TRANSFORMS.build(dict(step)) for step in steps])
    expected = pipeline({"img_path": str(file)})["inputs"]
    assert found.shape == expected.shape == (3 if color_type == "color" else 1, 64, 64)
    assert found.dtype == expected.dtype
    # What is grey already stays as it is; of colours, libpng's grey is rounded down.
    most = 2 if (mode, color_type) == ("RGB", "grayscale") else 0
    assert (found.float() - expected.float()).abs().max() <= most


def test_pictures_that_are_loaded_in_another_way_are_refused(trained):
    with pytest.raises(ValueError, match=r"color_type='unchanged', .* know color and grayscale"):
        predictor_of(trained("classifier"), color_type="unchanged")


def test_every_class_has_a_colour(trained, tmp_path):
    model, file = trained("classifier"), tmp_path / "model.pth"
    content = torch.load(model.checkpoint, weights_only=True)
    given = [(n, n, n) for n in range(2 * len(CLASSES))]
    for known in (0, len(CLASSES) - 1, len(CLASSES), len(given)):
        content["meta"]["dataset_meta"]["palette"] = given[:known]
        torch.save(content, file)
        palette = Predictor(model.cfg(), str(file)).palette
        if known < len(CLASSES):
            assert len(np.unique(palette, axis=0)) == len(CLASSES)
        else:
            assert palette == given[:known]
