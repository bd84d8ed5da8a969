"""--data with several modalities: the demo pairs and MSRS, whole and spoilt."""

import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("mmdet")
pytest.importorskip("mmseg")
pytest.importorskip("sklearn")

from mmengine.registry import DATASETS, DefaultScope

from msa_backbone.config.load import load_config
from msa_backbone.config.user_data import use_data
from msa_backbone.data.demo.pairs import make_demo_pairs
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats.write_voc import write_voc_data
from msa_backbone.data.formats.yolo.write import write_yolo_data
from msa_backbone.errors import DataError
from msa_backbone.files.modality_files import Modality

CONFIGS = Path(__file__).parents[3] / "configs/multimodal"
DETECTOR = CONFIGS / "faster-rcnn_multimodal-msa-vgg16_fpn_1xb1-2e_demo-pairs.py"
SEGMENTER = CONFIGS / "unet_multimodal-msa-vgg16_1xb4-1k_demo-pairs-192x192.py"
MSRS = CONFIGS / "faster-rcnn_multimodal-msa-vgg16_fpn_1xb4-12e_msrs-640x480.py"
FOLDERS = {"visible": "visible", "infrared": "infrared"}


@pytest.fixture
def pairs(tmp_path) -> Path:
    return make_demo_pairs(tmp_path / "pairs", 6, 3, image_size=64)


def use(config: Path, root: Path, tmp_path: Path):
    cfg = load_config(str(config), str(tmp_path / "work"), {})
    return cfg, use_data(cfg, str(root))


def load_all(cfg, found) -> list[tuple]:
    """Shape and modalities of every picture that training and validation read."""
    found.write_index()
    shapes = []
    with DefaultScope.overwrite_default_scope(cfg.default_scope):
        for loader in ("train_dataloader", "val_dataloader"):
            dataset = DATASETS.build(cfg[loader].dataset)
            shapes += [(loader[:3], *dataset[i]["inputs"].shape) for i in range(len(dataset))]
    return shapes


def folders_of(cfg) -> list[dict]:
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    steps = [loader.dataset.pipeline[0] for loader in loaders]
    return [{m["name"]: m["folder"] for m in step["modalities"]} for step in steps]


def rename(root: Path, **names: str) -> None:
    for old, new in names.items():
        (root / old).rename(root / new)


def split_first(root: Path) -> None:
    """visible/train/ becomes train/visible/."""
    for folder in ("visible", "infrared", "masks"):
        for split in ("train", "val"):
            if (root / folder / split).exists():
                (root / split).mkdir(exist_ok=True)
                (root / folder / split).rename(root / split / folder)
        shutil.rmtree(root / folder, ignore_errors=True)


@pytest.mark.parametrize("form", ["coco", "segmentation"])
@pytest.mark.parametrize(
    ("arrange", "folders"),
    [
        (lambda root: None, FOLDERS),
        (lambda root: rename(root, visible="images"), {**FOLDERS, "visible": "images"}),
        (
            lambda root: rename(root, visible="RGB", infrared="Thermal"),
            {"visible": "RGB", "infrared": "Thermal"},
        ),
        (split_first, FOLDERS),
    ],
    ids=["visible", "images", "other words", "splits first"],
)
def test_the_demo_pairs_are_found_however_they_are_arranged(
    form, arrange, folders, pairs, tmp_path
):
    root = pairs / form
    arrange(root)
    cfg, found = use(DETECTOR if form == "coco" else SEGMENTER, root, tmp_path)
    assert folders_of(cfg) == [folders] * 3
    line = f"visible in {folders['visible']}/, 3 channels; infrared in {folders['infrared']}/"
    assert any(f"2 modalities: {line}" in text for text in found.lines)
    assert "  train: 6 of 6 visible pictures with infrared" in found.lines
    assert "  val: 3 of 3 visible pictures with infrared" in found.lines
    size = (4, 192, 192) if form == "coco" else (4, 64, 64)
    assert load_all(cfg, found) == [("tra", *size)] * 6 + [("val", *size)] * 3


@pytest.mark.parametrize(
    ("write", "images"), [(write_yolo_data, "images"), (write_voc_data, "JPEGImages")]
)
def test_other_formats_have_the_reference_in_their_folder_of_images(write, images, pairs, tmp_path):
    """YOLO by splits, VOC in one folder with lists; the infrared pictures lie beside."""
    cameras = Modality("visible", 3), Modality("infrared", 1)
    given, root = find_detection_data(pairs / "coco", modalities=cameras), tmp_path / "other"
    root.mkdir()
    write(given, root)
    for file in (pairs / "coco/infrared").rglob("*.png"):
        folder = root / "infrared" / (file.parent.name if images == "images" else "")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, folder)
    cfg, found = use(DETECTOR, root, tmp_path)
    assert folders_of(cfg) == [{"visible": images, "infrared": "infrared"}] * 3
    assert load_all(cfg, found) == [("tra", 4, 192, 192)] * 6 + [("val", 4, 192, 192)] * 3


def test_msrs_as_it_is_published(pairs, tmp_path):
    """{train,test}/ with vi/, ir/ and Segmentation_labels/; val is made of train."""
    given, root = pairs / "segmentation", tmp_path / "MSRS"
    for split, name in (("train", "train"), ("val", "test")):
        for folder, new in (
            ("visible", "vi"),
            ("infrared", "ir"),
            ("masks", "Segmentation_labels"),
        ):
            shutil.copytree(given / folder / split, root / name / new)
    shutil.copy(given / "classes.txt", root)
    cfg, found = use(SEGMENTER, root, tmp_path)
    assert folders_of(cfg) == [{"visible": "vi", "infrared": "ir"}] * 3
    assert "  train: 5 of 5 visible pictures with infrared" in found.lines
    assert "  test: 3 of 3 visible pictures with infrared" in found.lines
    assert load_all(cfg, found) == [("tra", 4, 64, 64)] * 5 + [("val", 4, 64, 64)]


def test_one_folder_for_each_and_no_splits(pairs, tmp_path):
    given, root = pairs / "segmentation", tmp_path / "flat"
    for folder, new in (("visible", "images"), ("infrared", "thermal"), ("masks", "masks")):
        shutil.copytree(given / folder / "train", root / new)
    shutil.copy(given / "classes.txt", root)
    cfg, found = use(SEGMENTER, root, tmp_path)
    assert folders_of(cfg) == [{"visible": "images", "infrared": "thermal"}] * 3
    assert load_all(cfg, found) == [("tra", 4, 64, 64)] * 5 + [("val", 4, 64, 64)]


def test_images_of_both_cameras_with_one_ending_are_told_apart(pairs, tmp_path):
    root = pairs / "coco"
    for path in (root / "infrared").rglob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    cfg, _ = use(DETECTOR, root, tmp_path)
    assert cfg.train_dataloader.dataset.data_prefix.img == str(root / "visible/train")


def test_jsons_of_one_camera_are_left_aside(pairs, tmp_path):
    root = pairs / "coco"
    for camera in ("visible", "infrared"):
        shutil.copy(
            root / "annotations/instances_train.json", root / f"annotations/{camera}_train.json"
        )
    cfg, found = use(DETECTOR, root, tmp_path)
    assert Path(cfg.train_dataloader.dataset.ann_file).name == "instances_train.json"
    assert "  not used: infrared_train.json" in found.lines
    (root / "annotations/instances_train.json").unlink()
    with pytest.raises(DataError, match=r"a second train file beside .*; move one away"):
        use(DETECTOR, root, tmp_path)


def test_a_val_split_is_made_of_pairs(pairs, tmp_path):
    root = pairs / "coco"
    (root / "annotations/instances_val.json").unlink()
    cfg, found = use(DETECTOR, root, tmp_path)
    assert "  train: 5 of 5 visible pictures with infrared" in found.lines
    assert "  val: 1 of 1 visible pictures with infrared" in found.lines
    assert len(load_all(cfg, found)) == 6


def spoil(root: Path, how: str) -> str:
    """Spoil the second infrared picture; the message that it deserves."""
    file = sorted((root / "infrared/train").iterdir())[1]
    image = Image.open(file)
    if how == "missing":
        file.unlink()
        return f"{file.stem}.jpg: no infrared file {file.with_suffix('')}.*; add it"
    if how == "size":
        image.resize((60, 64)).save(file)
        return f"{file}: 60 x 64 pixels, but"
    if how == "channels":
        image.convert("RGB").point(lambda v: v // 2 + 9).convert("RGB").save(file)
        coloured = Image.merge("RGB", [image, image.rotate(90), image])
        coloured.save(file)
        return f"{file}: 3 channels, but infrared has channels=1"
    image.save(file.with_suffix(".bmp"))
    return f"{file.stem}.bmp and {file.name} both fit"


@pytest.mark.parametrize("form", ["coco", "segmentation"])
@pytest.mark.parametrize("how", ["missing", "size", "channels", "two"])
def test_a_pair_that_does_not_fit_is_refused(how, form, pairs, tmp_path):
    root = pairs / form
    message = spoil(root, how)
    with pytest.raises(DataError, match=re.escape(message)):
        use(DETECTOR if form == "coco" else SEGMENTER, root, tmp_path)


def test_data_of_one_camera_are_refused(pairs, tmp_path):
    shutil.rmtree(pairs / "coco/infrared")
    with pytest.raises(DataError, match=r"no folder 'infrared' beside .*visible"):
        use(DETECTOR, pairs / "coco", tmp_path)


def test_a_classifier_is_refused(pairs, tmp_path):
    config = tmp_path / "classes.py"
    config.write_text(
        "step = [dict(type='LoadModalities', modalities=[dict(name='a', channels=1)]),\n"
        "        dict(type='PackInputs')]\n"
        "train_dataloader = dict(dataset=dict(type='CustomDataset', pipeline=step))\n"
    )
    with pytest.raises(ValueError, match="several modalities for boxes and masks"):
        use(config, pairs / "coco", tmp_path)


@pytest.fixture
def msrs() -> Path:
    path = Path(__file__).parents[4] / "shared/data/msrs_rgbt"
    if not path.is_dir():
        pytest.skip(f"the pairs of MSRS are not at {path}")
    return path


def test_msrs(msrs, tmp_path):
    cfg, found = use(MSRS, msrs, tmp_path)
    assert folders_of(cfg) == [FOLDERS] * 3
    for split, count in (("train", 208), ("val", 45), ("test", 91)):
        assert f"  {split}: {count} of {count} visible pictures with infrared" in found.lines
        file = Path(cfg[f"{split}_dataloader"].dataset.ann_file)
        assert file.name == f"fusion_{split}.json"
        assert len(json.loads(file.read_text())["images"]) == count
    assert cfg.train_dataloader.dataset.data_prefix.img == str(msrs / "visible/train")
