"""The room that runs exported files needs neither torch nor OpenMMLab."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exported_models import noise
from PIL import Image

import msa_backbone
from msa_backbone.export.runtime.predictor import RuntimePredictor

PACKAGE = Path(__file__).parents[2] / "msa_backbone"
ABSENT = ("torch", "torchvision", "mmengine", "mmcv", "mmdet", "mmseg", "mmpretrain", "onnx", "cv2")
# The package's own __init__ registers modules of torch: here the package is its folder alone.
PREDICT = f"""
import json, sys, types
sys.modules.update(dict.fromkeys({ABSENT}))
package = sys.modules["msa_backbone"] = types.ModuleType("msa_backbone")
package.__path__ = [{str(PACKAGE)!r}]
import numpy as np
from msa_backbone.export.runtime.predictor import RuntimePredictor
found = RuntimePredictor(sys.argv[1])(np.load(sys.argv[2]))
print(json.dumps({{name: values.tolist() for name, values in found.items()}}))
"""

# The tool and msa_backbone.load, which read and draw pictures by OpenCV and Pillow.
BARE = ("torch", "torchvision", "mmengine", "mmcv", "mmdet", "mmseg", "mmpretrain", "onnx",
        "matplotlib", "pycocotools")  # fmt: skip
TOOL = f"""
import runpy, sys
sys.modules.update(dict.fromkeys({BARE}))
sys.path.insert(0, {str(PACKAGE.parent)!r})
import msa_backbone
assert "MSAVGG" not in msa_backbone.__all__
found = msa_backbone.load(sys.argv[1]).predict(sys.argv[2])
print(found.words())
runpy.run_path({str(PACKAGE.parent / "tools/predict.py")!r}, run_name="__main__")
"""


def run_bare(*arguments: object) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", TOOL, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mask-rcnn", "fcn", "classifier"])
def test_the_tool_predicts(kind, exported, tmp_path):
    picture, out = tmp_path / "a.png", tmp_path / "out"
    Image.fromarray(noise(97, 131)).save(picture)
    done = run_bare(exported(kind), picture, "--out", out, "--score-thr", 0.1)
    assert done.returncode == 0, done.stdout + done.stderr
    words, *_, last = done.stdout.splitlines()
    assert last == f"1 of 1 predicted, results in {out}"
    content = json.loads((out / "predictions.json").read_text())
    expected = msa_backbone.load(exported(kind)).predict(picture, score_thr=0.1)
    assert content["images"][0]["file_name"] == "a.png"
    records = [{k: v for k, v in a.items() if k not in ("id", "image_id")}
               for a in content.get("annotations", [])]  # fmt: skip
    assert records == expected.records()
    assert expected.record().items() <= content["images"][0].items()
    assert (out / "pictures/a.png").is_file()
    assert words == msa_backbone.load(exported(kind)).predict(picture).words()


@pytest.mark.slow
def test_the_tool_predicts_on_pairs(exported, tmp_path):
    for folder, picture in (("visible", noise(97, 131)), ("infrared", noise(97, 131)[..., 0])):
        (tmp_path / folder).mkdir()
        Image.fromarray(picture).save(tmp_path / folder / "a.png")
    file, out = exported("cameras-unet"), tmp_path / "out"
    done = run_bare(file, tmp_path / "visible/a.png", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    drawn = Image.open(out / "pictures/a.png")
    assert drawn.size == (2 * 131 + 6, 97)  # both cameras' pictures
    whole = np.asarray(Image.open(out / "masks/a.png.png"))
    done = run_bare(file, tmp_path / "visible/a.png", "--out", out, "--sensors", "visible")
    assert done.returncode == 0, done.stdout + done.stderr
    assert Image.open(out / "pictures/a.png").size == (131, 97)
    assert (np.asarray(Image.open(out / "masks/a.png.png")) != whole).any()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["mask-rcnn", "fcn", "classifier"])
def test_predictions_are_the_same(kind, exported, tmp_path):
    picture = noise(97, 131)
    np.save(tmp_path / "picture.npy", picture)
    command = [sys.executable, "-c", PREDICT, exported(kind), tmp_path / "picture.npy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = {name: np.array(values) for name, values in json.loads(done.stdout).items()}
    expected = RuntimePredictor(exported(kind))(picture)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.allclose(found[name], values, atol=1e-4), name


ASKS_FOR_TORCH = f"""
import sys
sys.modules.update(dict.fromkeys({BARE}))
sys.path.insert(0, {str(PACKAGE.parent)!r})
import msa_backbone
try:
    msa_backbone.load("epoch_5.pth")
except ValueError as error:
    print(error)
try:
    from msa_backbone import MSAVGG
except ImportError as error:
    print(error)
print(hasattr(msa_backbone, "nothing"))
"""


def test_what_needs_torch_says_so():
    command = [sys.executable, "-c", ASKS_FOR_TORCH]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0].startswith("epoch_5.pth: a checkpoint needs torch and OpenMMLab; where they are")
    assert told[1:] == ["MSAVGG needs torch and mmengine: pip install torch mmengine", "False"]
