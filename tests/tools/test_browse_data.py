"""tools/browse_data.py: the pictures of every kind of data, and what is counted for them."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from PIL import Image

from msa_backbone.training import browse_data

TOOLS = Path(browse_data.__file__).parents[2] / "tools"


@pytest.fixture
def counted(monkeypatch):
    """What is plotted: the arguments of the last call."""
    calls = []
    for name in ("plot_objects", "plot_masks"):
        original = getattr(browse_data, name)

        def spy(*args, original=original):
            calls.append(args)
            original(*args)

        monkeypatch.setattr(browse_data, name, spy)
    return calls


def test_boxes(run_tool, tiny_config, demo, tmp_path, counted, capsys):
    work = tmp_path / "work"
    for number in (5, 2):
        options = ["--work-dir", work, "--seed", 1, "--number", number]
        run_tool("browse_data", tiny_config, "--data", demo / "coco", *options)
        assert str(work / "images.png") in capsys.readouterr().out
        picture = np.asarray(Image.open(work / "images.png"))
        side = 128  # as the pipeline makes the images
        assert picture.shape[1] % (side + 6) == side and len(np.unique(picture)) > 100
    labels, sizes, classes, path = counted[-1]
    content = json.loads((demo / "coco/annotations/instances_train.json").read_text())
    expected = np.bincount([r["category_id"] - 1 for r in content["annotations"]], minlength=10)
    assert np.bincount(labels, minlength=10).tolist() == expected.tolist()
    assert sorted(sizes**2) == pytest.approx(sorted(r["area"] for r in content["annotations"]))
    assert len(classes) == 10 and path == work / "histograms.png" and path.is_file()


def test_a_config_may_leave_the_visualizer_out(run_tool, tiny_config, demo, tmp_path):
    drawn = []
    for change in ("", "visualizer = None\n"):
        tiny_config.write_text(tiny_config.read_text() + change)
        work = tmp_path / f"work{len(drawn)}"
        options = ["--work-dir", work, "--seed", 1, "--number", 2]
        run_tool("browse_data", tiny_config, "--data", demo / "coco", *options)
        drawn.append((work / "images.png").read_bytes())
    assert drawn[0] == drawn[1]


def test_masks(run_tool, demo, tmp_path, counted):
    base = "configs/segmentation/unet_msa-vgg16_1xb2-600i_demo-192x192.py"
    root = next(p for p in [tmp_path, *browse_data.Path(__file__).parents] if (p / base).is_file())
    run_tool(
        "browse_data", root / base, "--data", demo / "segmentation", "--work-dir", tmp_path / "w"
    )
    pixels, classes, path = counted[-1]
    masks = sorted((demo / "segmentation/masks/train").iterdir())
    expected = [np.bincount(np.asarray(Image.open(m)).ravel(), minlength=11) for m in masks]
    assert np.array_equal(pixels, expected)
    assert classes[0] == "background" and path.is_file()
    assert Config.fromfile(root / base).train_dataloader.batch_size  # the config is left alone


def test_classes_of_images(run_tool, tmp_path, counted):
    pytest.importorskip("mmpretrain")
    for split, name, count in (("train", "a", 3), ("train", "b", 2), ("val", "a", 1)):
        folder = tmp_path / "data" / split / name
        folder.mkdir(parents=True)
        for index in range(count):
            Image.effect_noise((40, 10), 50 + index).convert("RGB").save(folder / f"{index}.png")
    config = TOOLS.parent / "configs/classification/msa-vgg16-caffe_1xb16-150i_crops-48x48.py"
    run_tool("browse_data", config, "--data", tmp_path / "data", "--work-dir", tmp_path / "w")
    labels, sizes, classes, path = counted[-1]
    assert labels.tolist() == [0, 0, 0, 1, 1] and sizes.tolist() == [20] * 5
    assert classes == ("a", "b") and path.is_file()
    assert len(np.unique(np.asarray(Image.open(tmp_path / "w/images.png")))) > 100


@pytest.mark.parametrize("shape", [(12, 27, 3), (12, 27)])
def test_images_that_are_in_no_files(shape, tmp_path, counted):
    """As those of CIFAR and MNIST."""
    pytest.importorskip("mmpretrain")

    class InMemory(BaseDataset):
        METAINFO: ClassVar[dict] = {"classes": ("a", "b")}

        def load_data_list(self) -> list[dict]:
            images = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
            return [{"img": image, "gt_label": n % 2} for n, image in enumerate(images)]

    data = {"type": InMemory, "pipeline": [{"type": "PackInputs"}]}
    cfg = Config({"default_scope": "mmpretrain", "train_dataloader": {"dataset": data}})
    browse_data.browse(cfg, tmp_path, 2)
    labels, sizes, classes, _ = counted[-1]
    assert labels.tolist() == [0, 1, 0] and sizes.tolist() == [18] * 3 and classes == ("a", "b")
    assert len(np.unique(np.asarray(Image.open(tmp_path / "images.png")))) > 100


def test_refusals_write_nothing(run_tool, tiny_config, tmp_path):
    with pytest.raises(SystemExit, match="--number 0: give 1 or more"):
        run_tool("browse_data", tiny_config, "--number", 0, "--work-dir", tmp_path / "w")
    with pytest.raises(SystemExit, match="does not exist, and the config's train_dataloader"):
        run_tool("browse_data", tiny_config, "--work-dir", tmp_path / "w",
                 "--cfg-options", "train_dataloader.dataset.data_root=nowhere/")  # fmt: skip
    assert not (tmp_path / "w").exists()
