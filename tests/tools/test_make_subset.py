"""tools/make_subset.py from the command line: what it prints, writes, refuses and leaves behind."""

import json
import random
import shutil
import time
from pathlib import Path

import numpy as np
import processes
import pytest


@pytest.mark.slow
def test_a_subset_is_made_once_and_trained_on(run_tool, tiny_config, demo, tmp_path, capsys):
    out = tmp_path / "half"
    run_tool("make_subset", "coco", demo / "coco", out, "--fraction", 0.5)
    text = capsys.readouterr().out
    assert "| train | 12 of 24 |" in text and f"--data {out}" in text
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    run_tool("make_subset", "coco", demo / "coco", out, "--fraction", 0.5)
    assert "complete already" in capsys.readouterr().out
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    run_tool("train", tiny_config, "--data", out, "--work-dir", tmp_path / "work")
    assert (tmp_path / "work/epoch_2.pth").is_file()


@pytest.mark.parametrize("source", ["coco", "voc"])
def test_any_form_from_either(run_tool, demo, tmp_path, source):
    for form in ("coco", "voc", "yolo"):
        run_tool("make_subset", form, demo / source, tmp_path / form, "--number", 8, "--seed", 3)
    images = {path.stem for path in (tmp_path / "voc/JPEGImages").iterdir()}
    content = json.loads((tmp_path / "coco/annotations/instances_train.json").read_text())
    assert {Path(i["file_name"]).stem for i in content["images"]} < images
    listed = (tmp_path / "voc/ImageSets/Main/train.txt").read_text().split()
    assert sorted(listed) == sorted(Path(i["file_name"]).stem for i in content["images"])
    assert sorted(path.stem for path in (tmp_path / "yolo/labels/train").iterdir()) == sorted(
        listed
    )
    assert {path.stem for path in (tmp_path / "yolo/images").rglob("*.jpg")} == images


def test_yolo_as_a_source(run_tool, demo, tmp_path):
    run_tool("make_subset", "yolo", demo / "coco", tmp_path / "yolo", "--fraction", 1)
    run_tool("make_subset", "coco", tmp_path / "yolo", tmp_path / "coco", "--fraction", 1)
    contents = [
        json.loads((root / "annotations/instances_train.json").read_text())
        for root in (demo / "coco", tmp_path / "coco")
    ]
    boxes = [np.array([r["bbox"] for r in content["annotations"]]) for content in contents]
    assert np.abs(boxes[0] - boxes[1]).max() <= 0.01
    names = [sorted(image["file_name"] for image in content["images"]) for content in contents]
    assert names[0] == names[1]
    assert contents[1]["annotations"][0]["segmentation"][0]
    assert not {"found_at", "voc_index"} & contents[1]["annotations"][0].keys()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["voc", "--fraction", 0.5, "--semantic"], "--reindex and --semantic serve COCO"),
        (["coco", "--fraction", 0.5, "--semantic", "--images", "list"], "--images link or copy"),
        (["voc", "--fraction", 0.5, "--images", "list"], "choose link or copy"),
        (["yolo", "--fraction", 0.5, "--images", "list"], "choose link or copy"),
        (["coco", "--number", 99], "number 99: train has 24 images"),
        (["coco", "--number", 9, "--classes", "zebra"], "has no class 'zebra'"),
    ],
)
def test_bad_options_write_nothing(run_tool, demo, tmp_path, options, message):
    form, *rest = options
    with pytest.raises(SystemExit, match=message):
        run_tool("make_subset", form, demo / "coco", tmp_path / "new/out", *rest)
    assert not (tmp_path / "new/out").exists()


def test_after_a_kill_the_folder_is_absent_or_complete(demo, tmp_path):
    """SIGKILL at 20 random moments between the start and the end of a run."""
    out = tmp_path / "new/out"
    args = ["coco", demo / "coco", out, "--fraction", 0.9, "--images", "copy", "--semantic"]

    def begin():
        arguments = [str(argument) for argument in args]
        return processes.start(processes.run_tool, "make_subset", arguments, tmp_path / "log", {})

    def finish() -> float:
        start = time.perf_counter()
        process = begin()
        process.join()
        assert process.exitcode == 0, (tmp_path / "log").read_text()
        return time.perf_counter() - start

    finish()
    whole = {path.relative_to(out) for path in out.rglob("*")}
    shutil.rmtree(out)
    seconds = finish()
    shutil.rmtree(out)
    moments, absent = random.Random(0), 0
    for _ in range(20):
        process = begin()
        time.sleep(moments.uniform(0, seconds))
        process.kill()
        process.join()
        if out.exists():
            assert {path.relative_to(out) for path in out.rglob("*")} == whole
            shutil.rmtree(out)
        else:
            absent += 1
    assert absent > 5
    finish()
    assert [path.name for path in out.parent.iterdir()] == ["out"]
