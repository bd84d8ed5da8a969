"""Where the folders of several modalities are found, and what is refused."""

import re
from pathlib import Path

import pytest

from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.modalities.check import modality_defects
from msa_backbone.data.modalities.find import describe, with_folders
from msa_backbone.data.modalities.names import folder_names, speaks_of_one
from msa_backbone.errors import DataError
from msa_backbone.files.modality_files import Modality, partner

VISIBLE, INFRARED = Modality("visible", 3), Modality("infrared", 1)
DEPTH = Modality("depth", 1, unknown=True)


def touch(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


@pytest.mark.parametrize(
    ("image", "other", "folders"),
    [
        ("visible/train/a.jpg", "infrared/train/a.png", ["visible", "infrared"]),
        ("visible/a.jpg", "infrared/a.png", ["visible", "infrared"]),
        ("images/train/a.jpg", "infrared/train/a.png", ["images", "infrared"]),
        ("images/a.jpg", "thermal/a.png", ["images", "thermal"]),
        ("train/visible/a.jpg", "train/infrared/a.png", ["visible", "infrared"]),
        ("train/images/x/a.jpg", "train/ir/x/a.npy", ["images", "ir"]),
        ("RGB/train/a.jpg", "Thermal/train/a.jpg", ["RGB", "Thermal"]),
        ("train/a.jpg", "infrared/train/a.png", ["ROOT", "ROOT/infrared"]),
        ("a.jpg", "infrared/a.png", ["ROOT", "ROOT/infrared"]),
    ],
)
def test_folders_differ_in_one_place_of_the_path(image, other, folders, tmp_path):
    touch(tmp_path, image, other)
    images = {"train": [tmp_path / image]}
    placed = with_folders(tmp_path, images, (VISIBLE, INFRARED))
    assert [m.folder for m in placed] == [f.replace("ROOT", str(tmp_path)) for f in folders]
    assert [m.channels for m in placed] == [3, 1]
    assert partner(tmp_path / image, *placed) == tmp_path / other


def test_three_modalities_and_the_line_that_says_so(tmp_path):
    touch(tmp_path, "images/train/a.jpg", "ir/train/a.png", "Depth/train/a.png")
    images = {"train": [tmp_path / "images/train/a.jpg"]}
    placed = with_folders(tmp_path, images, (VISIBLE, INFRARED, DEPTH))
    assert [m.folder for m in placed] == ["images", "ir", "Depth"]
    assert describe(tmp_path, placed) == (
        "3 modalities: visible in images/, 3 channels; infrared in ir/, 1 channel; "
        "depth in Depth/, 1 channel"
    )


def test_the_modalitys_own_name_comes_before_other_words(tmp_path):
    touch(tmp_path, "visible/a.jpg", "infrared/a.png", "thermal/a.png")
    images = {"train": [tmp_path / "visible/a.jpg"]}
    assert with_folders(tmp_path, images, (VISIBLE, INFRARED))[1].folder == "infrared"
    thermal = Modality("thermal", 1)
    placed = with_folders(tmp_path, images, (VISIBLE, INFRARED, thermal))
    assert [m.folder for m in placed] == ["visible", "infrared", "thermal"]
    other = Modality("infrared", 1, folder="thermal")  # as a config says it
    assert with_folders(tmp_path, images, (VISIBLE, other))[1].folder == "thermal"


def test_a_folder_from_elsewhere_is_forgotten(tmp_path):
    """As a config has it that was trained on another folder."""
    touch(tmp_path, "visible/a.jpg", "infrared/a.png")
    images = {"train": [tmp_path / "visible/a.jpg"]}
    other = Modality("infrared", 1, folder="/elsewhere/infrared")
    assert with_folders(tmp_path, images, (VISIBLE, other))[1].folder == "infrared"


def test_the_folder_that_goes_on_as_the_references_is_taken(tmp_path):
    touch(tmp_path, "data/train/rgb/a.jpg", "data/train/ir/a.png", "ir/calibration.txt")
    images = {"train": [tmp_path / "data/train/rgb/a.jpg"]}
    placed = with_folders(tmp_path, images, (VISIBLE, INFRARED))
    assert [m.folder for m in placed] == ["rgb", "ir"]


def test_the_configs_own_folders_hold_where_the_partners_are_there(tmp_path):
    touch(tmp_path, "rgb/left/a.jpg", "thermal/left/a.png", "elsewhere/ir/b.png", "rgb/b.jpg")
    configured = Modality("visible", 3, "rgb/left"), Modality("infrared", 1, "thermal/left")
    images = {"train": [tmp_path / "rgb/left/a.jpg"]}
    placed = with_folders(tmp_path, images, configured)
    assert [m.folder for m in placed] == ["rgb/left", "thermal/left"]
    full = str(tmp_path / "rgb"), str(tmp_path / "elsewhere/ir")
    configured = Modality("visible", 3, full[0]), Modality("infrared", 1, full[1])
    placed = with_folders(tmp_path / "rgb", {"train": [tmp_path / "rgb/b.jpg"]}, configured)
    assert [m.folder for m in placed] == list(full)
    assert f"infrared in {full[1]}/" in describe(tmp_path / "rgb", placed)


def test_suffixes_alone_may_tell_modalities_apart(tmp_path):
    touch(tmp_path, "images/train/a_rgb.jpg", "images/train/a_ir.png")
    image = tmp_path / "images/train/a_rgb.jpg"
    modalities = (
        Modality("visible", 3, folder="images", suffix="_rgb.jpg"),
        Modality("infrared", 1, folder="images", suffix="_ir.png"),
    )
    placed = with_folders(tmp_path, {"train": [image]}, modalities)
    assert [m.folder for m in placed] == ["images", "images"]
    assert partner(image, *placed) == tmp_path / "images/train/a_ir.png"


def test_two_folders_that_may_be_meant_are_refused(tmp_path):
    touch(tmp_path, "visible/a.jpg", "ir/a.png", "thermal/a.png")
    both = re.escape(f"{tmp_path / 'ir'} and {tmp_path / 'thermal'}: both may hold the infrared")
    with pytest.raises(DataError, match=f"{both}.*move one of them away"):
        with_folders(tmp_path, {"train": [tmp_path / "visible/a.jpg"]}, (VISIBLE, INFRARED))


def test_two_folders_that_may_be_the_references_are_refused(tmp_path):
    touch(tmp_path, "rgb/a.jpg", "vis/a.png", "infrared/a.png")
    both = re.escape(f"{tmp_path / 'rgb'} and {tmp_path / 'vis'}: both may hold the visible")
    with pytest.raises(DataError, match=f"{both}.*set the folder of visible"):
        with_folders(tmp_path, {"train": [tmp_path / "rgb/a.jpg"]}, (VISIBLE, INFRARED))
    images, named = {"train": [tmp_path / "rgb/a.jpg"]}, Modality("visible", 3, "rgb")
    placed = with_folders(tmp_path, images, (named, INFRARED))
    assert [m.folder for m in placed] == ["rgb", "infrared"]
    placed = with_folders(tmp_path, images, (VISIBLE, INFRARED), reference_is_named=True)
    assert [m.folder for m in placed] == ["rgb", "infrared"]


def test_labels_and_links_are_no_second_folder(tmp_path):
    touch(tmp_path, "images/a.jpg", "infrared/a.png", "vis/a.txt")
    (tmp_path / "rgb").symlink_to("images")
    placed = with_folders(tmp_path, {"train": [tmp_path / "images/a.jpg"]}, (VISIBLE, INFRARED))
    assert [m.folder for m in placed] == ["images", "infrared"]


def test_a_modality_without_a_folder_is_refused(tmp_path):
    touch(tmp_path, "visible/train/a.jpg", "infrared/train/a.png")
    images = {"train": [tmp_path / "visible/train/a.jpg"]}
    wanted = re.escape(f"into {tmp_path / 'depth/train'}, or take a config without")
    with pytest.raises(DataError, match=f"no folder 'depth' beside .*visible; .*{wanted}"):
        with_folders(tmp_path, images, (VISIBLE, INFRARED, DEPTH))


def test_another_modalitys_name_is_no_word_for_this_one():
    both = (VISIBLE, INFRARED, Modality("thermal", 1))
    assert "thermal" not in folder_names(INFRARED, both)
    assert "infrared" not in folder_names(both[2], both)
    assert folder_names(VISIBLE, both)[0] == "visible" and "images" in folder_names(VISIBLE, both)
    assert "images" not in folder_names(INFRARED, both)


def test_jsons_that_are_named_after_one_modality():
    both = VISIBLE, INFRARED
    assert speaks_of_one("infrared_train", both) and speaks_of_one("train.RGB", both)
    assert not speaks_of_one("fusion_train", both) and not speaks_of_one("instances_train", both)
    assert not speaks_of_one("infrared_train", (INFRARED,))  # nothing else could be meant


@pytest.mark.parametrize(
    ("visible", "infrared", "xml"),
    [
        ("visible/{}", "infrared/{}", "Annotations"),  # LLVIP
        ("Vis", "Ir", "Annotation"),  # M3FD
        ("{}/visible", "{}/infrared", "{}/Annotations"),
    ],
)
def test_xml_files_beside_the_folders_of_two_cameras(folder, visible, infrared, xml):
    names = {"train": ["a", "b"], "test": ["c"]} if "{}" in visible else {"train": ["a", "b", "c"]}
    for split, stems in names.items():
        folder.voc(visible.format(split), xml.format(split), stems)
        for stem in stems:
            folder.image(f"{infrared.format(split)}/{stem}.jpg")
    data = find_detection_data(folder.root, modalities=(VISIBLE, INFRARED))
    assert {s: [p.stem for p in paths] for s, paths in data.image_files.items()} == names
    placed = with_folders(folder.root, data.image_files, (VISIBLE, INFRARED))
    folders = [path.replace("{}", "").strip("/") for path in (visible, infrared)]
    assert [m.folder for m in placed] == folders
    errors, notes = modality_defects(data.image_files, placed)
    assert errors == []
    assert (
        notes[0]
        == f"train: {len(names['train'])} of {len(names['train'])} visible pictures with infrared"
    )
