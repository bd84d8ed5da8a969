"""The same data in COCO, VOC, YOLO and labelme form train to the same losses."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from msa_backbone.data.detection.check import detection_defects
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.write_voc import write_voc_data
from msa_backbone.data.formats.yolo.write import write_yolo_data
from msa_backbone.files.training_log import read_records


def write_labelme(coco: Path, out: Path) -> None:
    """The boxes of COCO data as labelme's rectangles: a json an image, in a folder a split."""
    for split in ("train", "val"):
        content = json.loads((coco / f"annotations/instances_{split}.json").read_text())
        names = {category["id"]: category["name"] for category in content["categories"]}
        (out / split).mkdir(parents=True)
        for image in content["images"]:
            shapes = []
            for record in content["annotations"]:
                if record["image_id"] == image["id"]:
                    left, top, width, height = record["bbox"]
                    points = [[left + width, top + height], [left, top]]
                    shape = {"label": names[record["category_id"]], "points": points}
                    shapes.append({**shape, "group_id": None, "shape_type": "rectangle"})
            name = image["file_name"]
            os.link(coco / "images" / split / name, out / split / name)
            size = {"imageWidth": image["width"], "imageHeight": image["height"]}
            text = json.dumps({"shapes": shapes, "imagePath": f".\\{name}", **size})
            (out / split / name).with_suffix(".json").write_text(text)


def boxes_of(data, lost: str) -> np.ndarray:
    """The training boxes, sorted, without those of the image `lost`."""
    content = data.splits["train"].content
    lost_ids = {i["id"] for i in content["images"] if Path(i["file_name"]).stem == lost}
    boxes = [r["bbox"] for r in content["annotations"] if r["image_id"] not in lost_ids]
    return np.array(sorted(boxes))


def test_yolo_and_labelme_are_repaired(run_tool, demo, tmp_path, capsys):
    """YOLO stays YOLO; what is not written becomes COCO. All sound objects stay."""
    data = find_detection_data(demo / "coco")
    (tmp_path / "yolo").mkdir()
    write_yolo_data(data, tmp_path / "yolo", images="copy")
    label = tmp_path / "yolo/labels/train/000001.txt"
    lines = label.read_text().splitlines()
    label.write_text("0 0.5 0.5\n" + "\n".join(lines))
    (tmp_path / "yolo/images/train/000002.jpg").write_bytes(b"")
    write_labelme(demo / "coco", tmp_path / "labelme")
    path = tmp_path / "labelme/train/000003.json"
    path.write_text(path.read_text().replace("rectangle", "triangle"))
    for form, written, line, lost in (
        ("yolo", "yolo", f"{label}: line 1: 3 numbers", "000002"),
        ("labelme", "coco", f"{path}: shape 0: is a 'triangle' of 2 points", "000003"),
    ):
        out = tmp_path / f"{form}-fixed"
        with pytest.raises(SystemExit):
            run_tool("check_data", tmp_path / form, "--fix", out)
        printed = capsys.readouterr().out
        assert f"error: train: {line}" in printed
        assert "left out" in printed and "not mended" not in printed
        fixed = find_detection_data(out)
        assert fixed.format == written and detection_defects(fixed, thorough=True) == []
        assert np.abs(boxes_of(fixed, lost) - boxes_of(data, lost)).max() <= 0.01


@pytest.mark.slow
def test_four_formats_train_to_the_same_losses(run_tool, tiny_config, demo, tmp_path):
    folders = {"coco": demo / "coco"} | {f: tmp_path / f for f in ("voc", "yolo", "labelme")}
    data = find_detection_data(folders["coco"])
    write_voc_data(data, folders["voc"])
    assert write_yolo_data(data, folders["yolo"]) == []
    write_labelme(folders["coco"], folders["labelme"])
    losses = {}
    for form, folder in folders.items():
        assert find_detection_data(folder).format == form
        work = tmp_path / f"work-{form}"
        options = ["--work-dir", work, "--seed", 3, "--cfg-options", "train_cfg.val_begin=9"]
        options += ["train_cfg.max_epochs=1", "train_dataloader.batch_size=4"]
        run_tool("train", tiny_config, "--data", folder, *options)
        records, _ = read_records(work)
        assert len(records) == 6
        losses[form] = [{k: v for k, v in r.items() if "loss" in k} for r in records[:5]]
    assert len(losses["coco"][0]) == 5  # of the two stages, boxes and classes, and their sum
    for form in ("voc", "yolo", "labelme"):
        for expected, found in zip(losses["coco"], losses[form], strict=True):
            assert found == pytest.approx(expected, abs=1e-4)
    totals = [record["loss"] for record in losses["coco"]]
    assert len(set(totals)) == 5  # the model learns, and something else each time
