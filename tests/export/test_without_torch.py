"""The room that runs exported files needs neither torch nor OpenMMLab."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from exported_models import noise

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
