import pytest
from mmengine.config import Config

from msa_backbone.config.trained_input import check_input

RGB = {"type": "DetDataPreprocessor", "mean": [123.675, 116.28, 103.53], "std": [58.4, 57.1, 57.4]}
RGB["bgr_to_rgb"] = True
CAFFE = {"type": "DetDataPreprocessor", "mean": [103.9, 116.8, 123.7], "std": [1.0, 1.0, 1.0]}


def config(preprocessor: dict) -> Config:
    return Config({"model": {"type": "FasterRCNN", "data_preprocessor": preprocessor}})


def test_the_input_of_the_training_passes():
    for preprocessor in (RGB, CAFFE, {**CAFFE, "bgr_to_rgb": False, "pad_size_divisor": 32}):
        check_input(config(preprocessor), "a.pth", config(preprocessor).pretty_text)
    nothing = {"mean": None, "std": None}, {"mean": [0, 0, 0], "std": (1, 1, 1)}, {}
    for one in nothing:
        for other in nothing:
            given = ({"type": "DetDataPreprocessor", **values} for values in (one, other))
            now, before = map(config, given)
            check_input(now, "a.pth", before.pretty_text)
    tuples = {
        **CAFFE,
        "mean": (103.9, 116.8, 123.7),
        "bgr_to_rgb": False,
    }  # the same, in other words
    check_input(config(tuples), "a.pth", config(CAFFE).pretty_text)


def test_another_input_is_refused():
    with pytest.raises(
        ValueError, match=r"mean=\[103.9.*bgr_to_rgb=False, and the config feeds it"
    ):
        check_input(config(RGB), "a.pth", config(CAFFE).pretty_text)
    with pytest.raises(
        ValueError, match=r"a.pth was trained on pictures with bgr_to_rgb=True, and"
    ):
        check_input(config({**RGB, "bgr_to_rgb": False}), "a.pth", config(RGB).pretty_text)


def test_a_preprocessor_beside_the_model_is_mmpretrains():
    beside = Config({"model": {"type": "ImageClassifier"}, "data_preprocessor": {"to_rgb": True}})
    check_input(beside, "a.pth", beside.pretty_text)
    other = Config({"model": {"type": "ImageClassifier"}, "data_preprocessor": {"to_rgb": False}})
    with pytest.raises(ValueError, match="with to_rgb=True, and the config feeds it to_rgb=False"):
        check_input(other, "a.pth", beside.pretty_text)


def test_each_camera_is_compared():
    def cameras(mean: float) -> Config:
        visible = {"name": "visible", "channels": 3, "bgr_to_rgb": True}
        infrared = {"name": "infrared", "channels": 1, "mean": mean, "folder": f"ir{mean}"}
        return config({"type": "MultiModalPreprocessor", "modalities": [visible, infrared]})

    check_input(cameras(38.0), "a.pth", cameras(38.0).pretty_text)
    with pytest.raises(ValueError, match=r"with infrared.mean=38.0, and .*=29.0:"):
        check_input(cameras(29.0), "a.pth", cameras(38.0).pretty_text)


@pytest.mark.parametrize(
    "text", [None, "", "not a config(", "model = dict(type='FasterRCNN')\n", "model = 'x'", "\0", 3]
)
def test_a_checkpoint_that_does_not_say_passes(text):
    check_input(config(RGB), "a.pth", text)


def test_nothing_of_the_text_is_run(tmp_path):
    """The checkpoint may be a stranger's."""
    file = tmp_path / "ran"
    text = f"model = dict(a=open({str(file)!r}, 'w'), data_preprocessor=dict(to_rgb=True))\n"
    with pytest.raises(ValueError, match="to_rgb"):
        check_input(config(RGB), "a.pth", text)
    assert not file.exists()
