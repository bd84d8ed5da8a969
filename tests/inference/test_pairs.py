"""Which files of a folder of several cameras are the reference's, and where their partners lie."""

from pathlib import Path

import pytest

from msa_backbone.files.modality_files import Modality, partner
from msa_backbone.inference.pairs import pair_inputs
from msa_backbone.inference.sources import find_sources

VISIBLE, INFRARED = Modality("visible", 3), Modality("infrared", 1)
WITH_SUFFIX = Modality("infrared", 1, folder="both", suffix="_ir.png")
PNG, RGB = Modality("visible", 3, suffix=".png"), Modality("visible", 3, suffix="_rgb.png")


@pytest.mark.parametrize(
    ("cameras", "scenes"),
    [
        (
            (VISIBLE, WITH_SUFFIX),
            [(f"both/{n}", f"both/{n[0]}_ir.png") for n in ("a.png", "b.jpg")],
        ),
        ((PNG, WITH_SUFFIX), [("both/a.png", "both/a_ir.png"), ("both/b.png", "both/b_ir.png")]),
        ((RGB, WITH_SUFFIX), [("both/a_rgb.png", "both/a_ir.png")]),
        (
            (VISIBLE, INFRARED),
            [
                ("day/visible/a.png", "day/infrared/a.png"),
                ("night/visible/a.png", "night/infrared/a.png"),
            ],
        ),
        ((VISIBLE, INFRARED), [("day/RGB/b.jpg", "day/Thermal/b.png")]),
    ],
)
def test_the_files_of_the_other_cameras_are_no_inputs(cameras, scenes, tmp_path):
    for file in (tmp_path / "sets" / name for scene in scenes for name in scene):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    inputs, placed = pair_inputs(cameras, (), [str(tmp_path / "sets")])
    for modalities in (cameras, placed):  # before and after the folders were found
        images, _ = find_sources(inputs, modalities=modalities)
        assert [image.name for image in images] == [reference for reference, _ in scenes]
    for image, (_, other) in zip(images, scenes, strict=True):
        assert partner(image.path, *placed) == tmp_path / "sets" / other


def test_a_folder_of_one_camera_alone_is_read_as_it_is(tmp_path):
    """By a name that the cameras do not have, or that another camera has."""
    for name in ("left/a.png", "infrared/b.png"):
        Path(tmp_path, name).parent.mkdir()
        Path(tmp_path, name).touch()
        folder = tmp_path / Path(name).parent
        for root in (folder, *[tmp_path] * (name == "left/a.png")):
            images, _ = find_sources([str(root)], modalities=(VISIBLE, INFRARED))
            assert [image.path for image in images] == [tmp_path / name]
    assert len(find_sources([str(tmp_path)])[0]) == 2
