"""tools/check_data.py --config: pairs are checked before a training, as --data checks them."""

from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("mmdet")
pytest.importorskip("sklearn")

from msa_backbone.data.demo.pairs import make_demo_pairs

CONFIGS = Path(__file__).parents[2] / "configs/multimodal"
DETECTOR = CONFIGS / "faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py"
SEGMENTER = CONFIGS / "unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py"


@pytest.fixture
def check(run_tool, capsys):
    """Run the tool: its exit code, and what it printed."""

    def run(*args: object) -> tuple[int, list[str]]:
        with pytest.raises(SystemExit) as ended:
            run_tool("check_data", *args)
        return ended.value.code, capsys.readouterr().out.splitlines()

    return run


@pytest.mark.parametrize(
    ("form", "options"),
    [("coco", ("--config", DETECTOR)), ("segmentation", ("--masks", "--config", SEGMENTER))],
)
def test_pairs_are_checked(form, options, check, tmp_path):
    root = make_demo_pairs(tmp_path / "pairs", 4, 2, image_size=64) / form
    code, lines = check(root, *options)
    assert code == 0 and not any(line.startswith("error") for line in lines)
    assert (
        "  2 modalities: visible in visible/, 3 channels; infrared in infrared/, 1 channel" in lines
    )
    assert "  train: 4 of 4 visible pictures with infrared" in lines
    first, second, third, _ = sorted((root / "infrared/train").iterdir())
    first.unlink()
    cv2.imwrite(str(second), cv2.resize(cv2.imread(str(second), 0), (60, 64)))
    third.rename(third.with_name("other.png"))
    code, lines = check(root, *options)
    errors = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and len(errors) == 3
    for error, told in zip(
        errors,
        [f"no infrared file {first.with_suffix('')}", f"{second}: 60 x 64 pixels", third.stem],
        strict=True,
    ):
        assert told in error
    assert "  train: 1 of 4 visible pictures with infrared" in lines
    assert any("without a visible one, which are not used: 1, first" in line for line in lines)


def test_records_that_cannot_be_read_are_told(check, tmp_path):
    for name in ("visible/a.jpg", "infrared/a.jpg"):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "Annotations").mkdir()
    (tmp_path / "Annotations/a.xml").write_text("<annotation>")
    code, lines = check(tmp_path, "--config", DETECTOR)
    errors = [line for line in lines if line.startswith("error: ")]
    assert code == 1 and "a.xml: not valid XML" in errors[0]


def test_without_a_config_one_camera_is_checked(check, tmp_path):
    root = make_demo_pairs(tmp_path / "pairs", 4, 2, image_size=64) / "coco"
    next((root / "infrared/train").iterdir()).unlink()
    code, lines = check(root)
    assert code == 0 and not any("modalities" in line for line in lines)


def test_what_does_not_go_together_is_refused(check, tmp_path):
    root = make_demo_pairs(tmp_path / "pairs", 4, 2, image_size=64) / "coco"
    code, _ = check(root, "--config", DETECTOR, "--fix", tmp_path / "fixed")
    assert "leave --config out" in code and not (tmp_path / "fixed").exists()
    one = CONFIGS.parent / "detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo.py"
    code, _ = check(root, "--config", one)
    assert "loads one camera" in code
    # The values are judged by the numbers that the preprocessor has.
    other = tmp_path / "other.py"
    other.write_text(
        f"_base_ = {str(DETECTOR)!r}\n"
        "only_here = [dict(camera, mean=1.0) for camera in _base_.modalities]\n"
        "train_dataloader = dict(dataset=dict(pipeline=[\n"
        "    dict(type='LoadModalities', modalities=only_here)]))\n"
    )
    code, _ = check(root, "--config", other)
    assert "train_dataloader loads visible with mean=1.0, the data_preprocessor, which" in code


def test_msrs(check):
    root = Path(__file__).parents[3] / "shared/data/msrs_rgbt"
    if not root.is_dir():
        pytest.skip(f"the pairs of MSRS are not at {root}")
    config = CONFIGS / "faster-rcnn_multimodal-msa-vgg16_fpn_1xb4-12e_msrs-640x480.py"
    code, lines = check(root, "--config", config)
    assert "  test: 91 of 91 visible pictures with infrared" in lines
    assert code == 0
