"""Masks as labelling tools export them: what their pixels are in training, and their classes."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config, ConfigDict
from PIL import Image

from msa_backbone.config.datasets.segmentation import dataset as dataset_config
from msa_backbone.data.formats.index_masks import VOC_CLASSES
from msa_backbone.data.segmentation.check import check_segmentation_data, mask_defects
from msa_backbone.data.segmentation.find import find_segmentation_data
from msa_backbone.data.segmentation.index import write_index
from msa_backbone.data.segmentation.labels import labels_in
from msa_backbone.data.segmentation.repair import write_repaired
from msa_backbone.errors import DataError

COLOURS = np.array([(0, 0, 0), (48, 112, 32), (176, 112, 32)], np.uint8)
LABELMAP = (
    "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:48,112,32::\ndog:176,112,32::\n"
)


def numbers(index: int) -> np.ndarray:
    """A mask of an image of 64 x 48: classes 1 and 2 on 0, another one for every index."""
    mask = np.zeros((48, 64), np.uint8)
    mask[4 : 20 + index, 8:30], mask[30:40, 10 + index : 50] = 1, 2
    return mask


def save(root: Path, path: str, mask: np.ndarray | Image.Image) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (Image.fromarray(mask) if isinstance(mask, np.ndarray) else mask).save(root / path)


def trained_on(data, index_dir: Path) -> dict[str, np.ndarray]:
    """What mmseg reads of every image, by the image's file name, through the index."""
    datasets = pytest.importorskip("mmseg.datasets")
    transforms = pytest.importorskip("mmseg.datasets.transforms")
    from msa_backbone.openmmlab.label_map_dataset import LabelMapDataset

    kinds = {"BaseSegDataset": datasets.BaseSegDataset, "LabelMapDataset": LabelMapDataset}
    write_index(data, index_dir)
    labels = {}
    for split in data.splits:
        config = dataset_config(data, split, ConfigDict(), index_dir)
        source = kinds[config.pop("type")](**config)
        assert source.metainfo["classes"] == data.classes
        for i in range(len(source)):
            info = source.get_data_info(i)
            assert Path(info["img_path"]).is_file()
            labels[Path(info["img_path"]).name] = transforms.LoadAnnotations()(info)["gt_seg_map"]
    return labels


def agree(data, index_dir: Path, expected: dict[str, np.ndarray]) -> None:
    """Check, training and the functions that read masks see the expected classes."""
    assert check_segmentation_data(data) == []
    labels = trained_on(data, index_dir)
    assert labels.keys() == expected.keys()
    for name, mask in expected.items():
        assert np.array_equal(labels[name], mask), name
    for split in data.splits.values():
        for name in split.names:
            found = labels_in(split.mask(name), data)
            assert np.array_equal(found, expected[split.image(name).name]), name


def cvat(folder, convert, lists=("default",), labelmap=LABELMAP) -> dict[str, np.ndarray]:
    """CVAT's export with `convert` of the numbers as masks, two images in each list."""
    expected = {}
    for part, name in enumerate(lists):
        stems = [f"img_{part}{i}" for i in range(2)]
        for i, stem in enumerate(stems):
            folder.image(f"JPEGImages/{stem}.jpg")
            mask = numbers(2 * part + i)
            save(folder.root, f"SegmentationClass/{stem}.png", convert(mask))
            save(folder.root, f"SegmentationObject/{stem}.png", convert((mask > 0).astype(int)))
            expected[f"{stem}.jpg"] = mask
        folder.write(f"ImageSets/Segmentation/{name}.txt", "".join(f"{s}\n" for s in stems))
    folder.write("labelmap.txt", labelmap)
    return expected


def palette(mask: np.ndarray, colours: list) -> Image.Image:
    picture = Image.fromarray(mask.astype(np.uint8))
    picture.putpalette([channel for colour in colours for channel in colour])
    return picture


CVAT_MASKS = {
    "colours": lambda mask: COLOURS[mask],
    "colours and alpha": lambda mask: np.dstack(
        [COLOURS[mask], np.full(mask.shape, 255, np.uint8)]
    ),
    "index": lambda mask: mask.astype(np.uint8),
    "index in 16 bits": lambda mask: mask.astype(np.uint16),
    "palette": lambda mask: palette(mask, COLOURS.tolist()),
    "palette in another order": lambda mask: palette(2 - mask, COLOURS[::-1].tolist()),
    "palette of other colours": lambda mask: palette(mask, [(9, 9, 9), (1, 2, 3), (4, 5, 6)]),
}


@pytest.mark.parametrize("kind", CVAT_MASKS)
def test_masks_of_cvat_are_read_by_labelmap_txt(folder, tmp_path, kind):
    expected = cvat(folder, CVAT_MASKS[kind])
    data = find_segmentation_data(folder.root)
    assert data.classes == ("background", "cat", "dog")  # never aeroplane and bicycle
    assert data.palette == tuple(map(tuple, COLOURS.tolist()))
    agree(data, tmp_path / "index", expected)


def test_colours_that_are_converted_are_counted_in_one_note(folder, tmp_path):
    cvat(folder, CVAT_MASKS["colours"])
    data = find_segmentation_data(folder.root)
    assert data.notes.count("masks show colours, read by labelmap.txt: 2") == 1
    before = folder.files()
    write_index(data, tmp_path / "index")
    assert folder.files() == before


def test_changed_colours_are_converted_anew(folder, tmp_path):
    expected = cvat(folder, CVAT_MASKS["colours"])
    trained_on(find_segmentation_data(folder.root), tmp_path)
    folder.write("labelmap.txt", LABELMAP.replace("cat", "x").replace("dog", "cat"))
    folder.edit("labelmap.txt", "x:48,112,32::\n", "")
    folder.edit("labelmap.txt", "background", "dog:48,112,32::\nbackground")
    data = find_segmentation_data(folder.root)
    assert data.classes == ("dog", "background", "cat")
    moved = {name: np.array([1, 0, 2])[mask] for name, mask in expected.items()}
    agree(data, tmp_path, moved)


def test_black_and_white_of_labelmap_txt(folder, tmp_path):
    """255 is a class here, not what is ignored."""
    labelmap = "background:0,0,0::\nroad:255,255,255::\n"
    expected = cvat(folder, lambda mask: (mask > 0).astype(np.uint8) * 255, labelmap=labelmap)
    agree(find_segmentation_data(folder.root), tmp_path, {n: m > 0 for n, m in expected.items()})


def test_a_class_of_labelmap_txt_that_is_ignored(folder, tmp_path):
    expected = cvat(folder, CVAT_MASKS["colours"], labelmap=LABELMAP.replace("cat", "void"))
    data = find_segmentation_data(folder.root)
    assert data.classes == ("background", "dog") and data.label_map == {0: 0, 1: 255, 2: 1}
    assert data.palette == ((0, 0, 0), (176, 112, 32))
    values = np.array([0, 255, 1])
    agree(data, tmp_path, {name: values[mask] for name, mask in expected.items()})


@pytest.mark.parametrize(
    "lists", [("Train", "Validation", "Test"), ("train", "val", "test"), ("TRAIN", "valid")]
)
def test_lists_of_cvat_by_any_case(folder, lists):
    cvat(folder, CVAT_MASKS["colours"], lists)
    data = find_segmentation_data(folder.root)
    found = {split: own.names for split, own in data.splits.items()}
    words = ("train", "val", "test")[: len(lists)]
    assert found == {word: (f"img_{i}0", f"img_{i}1") for i, word in enumerate(words)}
    assert data.classes == ("background", "cat", "dog")


@pytest.mark.parametrize(
    ("labelmap", "words"),
    [
        (LABELMAP.replace("dog:176,112,32::\n", ""), "labelmap.txt does not name, first 176,112"),
        (LABELMAP.replace("176,112,32", "48,112,32"), "cat and dog have the colour 48,112,32"),
        (LABELMAP.replace("176,112,32", "176,112"), "is not name:R,G,B:parts:actions"),
    ],
)
def test_colours_that_labelmap_txt_does_not_explain(folder, refusal, labelmap, words):
    cvat(folder, CVAT_MASKS["colours"], labelmap=labelmap)
    message = refusal(lambda: check_segmentation_data(find_segmentation_data(folder.root)))
    assert words in message and str(folder.root) in message


def test_colours_without_labelmap_txt_are_refused(folder, refusal):
    cvat(folder, CVAT_MASKS["colours"])
    (folder.root / "labelmap.txt").unlink()
    message = refusal(find_segmentation_data, folder.root)
    assert "SegmentationClass/img_00.png: is a picture in colours (RGB)" in message
    assert "add labelmap.txt, a line name:R,G,B::" in message


def test_vocs_names_are_for_voc_alone(folder, refusal):
    cvat(folder, CVAT_MASKS["index"], lists=("train", "val"))
    (folder.root / "labelmap.txt").unlink()
    # Grey values may be anybody's classes.
    assert "class names are unknown" in refusal(find_segmentation_data, folder.root)
    for path in (folder.root / "SegmentationClass").iterdir():
        palette(np.asarray(Image.open(path)), COLOURS.tolist()).save(path)
    assert "class names are unknown" in refusal(find_segmentation_data, folder.root)
    for path in (folder.root / "SegmentationClass").iterdir():
        mask = np.asarray(Image.open(path))
        palette(mask, [(0, 0, 0), (128, 0, 0), (0, 128, 0)]).save(path)
    assert find_segmentation_data(folder.root).classes == VOC_CLASSES
    (folder.root / "ImageSets/Segmentation/train.txt").rename(
        folder.root / "ImageSets/Segmentation/default.txt"
    )
    (folder.root / "ImageSets/Segmentation/val.txt").unlink()
    assert "class names are unknown" in refusal(find_segmentation_data, folder.root)


@pytest.mark.parametrize("png", ["SegmentationClass", "SegmentationClassPNG"])
@pytest.mark.parametrize("names_file", ["class_names.txt", "labels.txt"])
def test_both_generations_of_labelme2voc(folder, tmp_path, png, names_file):
    npy = {"SegmentationClass": "SegmentationClassNpy"}.get(png, "SegmentationClass")
    expected = {}
    for i in range(4):
        folder.image(f"JPEGImages/2011_{i}.jpg")
        folder.image(f"SegmentationClassVisualization/2011_{i}.jpg")
        mask = numbers(i)
        mask[:3] = 255
        save(folder.root, f"{png}/2011_{i}.png", palette(mask, [(0, 0, 0), (128, 0, 0)] * 128))
        (folder.root / npy).mkdir(exist_ok=True)
        np.save(folder.root / npy / f"2011_{i}.npy", mask.astype(np.int32))
        expected[f"2011_{i}.jpg"] = mask
    ignores = "__ignore__\n" if names_file == "labels.txt" else ""
    folder.write(names_file, f"{ignores}_background_\nbus\ntv/monitor\n")
    data = find_segmentation_data(folder.root)
    assert data.classes == ("_background_", "bus", "tv/monitor")
    agree(data, tmp_path / "index", expected)


def roboflow(folder, splits=("train", "valid", "test")) -> dict[str, np.ndarray]:
    expected = {}
    for part, split in enumerate(splits):
        for i in range(2):
            stem = f"{split}{i}_jpg.rf.0a1b"
            folder.image(f"{split}/{stem}.jpg")
            mask = numbers(2 * part + i)
            save(folder.root, f"{split}/{stem}_mask.png", np.array([0, 1, 5], np.uint8)[mask])
            expected[f"{stem}.jpg"] = mask
        folder.write(f"{split}/_classes.csv", "Pixel Value, Class\n0, background\n1, cat\n5, dog\n")
    return expected


def test_masks_of_roboflow(folder, tmp_path):
    expected = roboflow(folder)
    data = find_segmentation_data(folder.root)
    assert data.classes == ("background", "cat", "dog")
    assert data.label_map == {0: 0, 1: 1, 5: 2}
    assert {s: len(own.names) for s, own in data.splits.items()} == dict.fromkeys(data.splits, 2)
    assert list(data.splits) == ["train", "val", "test"]
    agree(data, tmp_path / "index", expected)


def test_splits_of_roboflow_that_name_other_classes(folder, refusal):
    roboflow(folder)
    folder.edit("valid/_classes.csv", "1, cat", "1, bird")
    message = refusal(find_segmentation_data, folder.root)
    assert "valid/_classes.csv: names other classes than" in message
    folder.edit("valid/_classes.csv", "1, bird", "one, cat")
    assert "'one, cat' is not a value and its class" in refusal(find_segmentation_data, folder.root)


def test_a_value_that_is_no_class_of_roboflow(folder, refusal):
    roboflow(folder)
    path = next((folder.root / "train").glob("*_mask.png"))
    Image.fromarray(np.full((48, 64), 3, np.uint8)).save(path)
    message = refusal(check_segmentation_data, find_segmentation_data(folder.root))
    assert f"{path}: holds the value 3, but the classes are 0, 1, 5" in message


def test_masks_beside_their_images(folder, tmp_path):
    for i in range(3):
        folder.image(f"{i}.png")
        save(folder.root, f"{i}_mask.png", numbers(i))
    data = find_segmentation_data(folder.root, ["sky", "road", "car"])
    agree(data, tmp_path / "index", {f"{i}.png": numbers(i) for i in range(3)})


@pytest.mark.parametrize("layout", ["roboflow", "folders", "voc"])
def test_a_test_split_without_masks_is_left_aside_with_a_note(folder, layout):
    if layout == "roboflow":
        roboflow(folder, ("train", "valid"))
        folder.image("test/a.jpg")
        folder.image("test/b.jpg")
    elif layout == "folders":
        for split in ("train", "val"):
            folder.image(f"images/{split}/{split}.jpg")
            save(folder.root, f"masks/{split}/{split}.png", numbers(0))
        folder.image("images/test/a.jpg")
        folder.image("images/test/b.JPG")
        folder.write("classes.txt", "sky\nroad\ncar\n")
    else:
        cvat(folder, CVAT_MASKS["index"], ("train", "val", "test"))
        for path in (folder.root / "SegmentationClass").glob("img_2*.png"):
            path.unlink()
    data = find_segmentation_data(folder.root)
    assert list(data.splits) == ["train", "val"] and check_segmentation_data(data) == []
    assert data.notes.count("test left aside: none of its 2 images has a mask") == 1


IMAGES = ["a.jpg", "b.JPG", "c.png", "d.jpeg", "e.jpg", "f.Tif"]


def test_images_of_many_endings(folder, tmp_path):
    for i, name in enumerate(IMAGES):
        folder.image(f"images/{name}")
        save(folder.root, f"masks/{name[0]}.{'png' if i % 2 else 'PNG'}", numbers(i))
    folder.write("classes.txt", "sky\nroad\ncar\n")
    data = find_segmentation_data(folder.root)
    agree(data, tmp_path / "index", {name: numbers(i) for i, name in enumerate(IMAGES)})
    assert sum("found one by one" in note for note in data.notes) == 1


def test_instances_of_images_of_many_endings(folder, tmp_path):
    content = folder.coco("annotations/train.json", "images", [*IMAGES, "a.png"])
    for i, record in enumerate(content["annotations"]):
        record["segmentation"] = [[4, 4, 24 + i, 4, 24 + i, 24, 4, 24]]
    folder.write("annotations/train.json", json.dumps(content))
    data = find_segmentation_data(folder.root)
    assert data.classes == ("background", "cat", "dog")
    labels = trained_on(data, tmp_path / "index")
    for i, name in enumerate([*IMAGES, "a.png"]):
        expected = np.zeros((48, 64), np.uint8)
        expected[4:24, 4 : 24 + i] = 1
        assert np.array_equal(labels[name], expected), name


def test_names_in_other_cases_and_accents(folder, tmp_path):
    """As they are after a move between Windows, macOS and Linux."""
    decomposed = unicodedata.normalize("NFD", "größe_é")
    images = ["IMG_1.JPG", "img_2.jpg", "größe_é.jpg"]
    stems = ["img_1", "IMG_2", decomposed]
    for i, (image, stem) in enumerate(zip(images, stems, strict=True)):
        folder.image(f"images/{image}")
        save(folder.root, f"masks/{stem}.png", numbers(i))
    folder.write("Classes.TXT", "sky\nroad\ncar\n")
    data = find_segmentation_data(folder.root)
    agree(data, tmp_path / "index", {name: numbers(i) for i, name in enumerate(images)})


def test_lists_name_images_in_other_cases_with_endings_and_folders(folder):
    cvat(folder, CVAT_MASKS["index"])
    folder.write("ImageSets/Segmentation/default.txt", "JPEGImages\\IMG_00.JPG\nimg_01.jpg\n")
    data = find_segmentation_data(folder.root)
    own = {**data.splits}
    assert sorted(own["train"].names + own["val"].names) == ["img_00", "img_01"]


def test_two_files_for_one_name_are_refused(folder, refusal):
    for name in ("a.jpg", "b.jpg"):
        folder.image(f"images/{name}")
        save(folder.root, f"masks/{name[0]}.png", numbers(0))
    folder.write("classes.txt", "sky\nroad\ncar\n")
    save(folder.root, "masks/a.bmp", numbers(1))
    message = refusal(find_segmentation_data, folder.root)
    assert "its mask may be" in message and "a.png" in message and "a.bmp" in message
    (folder.root / "masks/a.bmp").unlink()
    folder.image("images/a.png")
    message = refusal(find_segmentation_data, folder.root)
    assert "a.png and a.jpg: have one mask" in message


def test_masks_without_an_image_are_counted(folder):
    for name in ("a", "b"):
        folder.image(f"images/{name}.jpg")
    for name in ("a", "b", "c", "d"):
        save(folder.root, f"masks/{name}.png", numbers(0))
    notes = find_segmentation_data(folder.root, ["sky", "road", "car"]).notes
    assert f"masks without an image: 2, first {folder.root}/masks/c.png" in notes


def spoiled(folder) -> dict[str, np.ndarray]:
    """Train of six images of which two are sound, and val; what the sound ones hold."""
    for i, name in enumerate("abcdefg"):
        split = "val" if name == "g" else "train"
        folder.image(f"images/{split}/{name}.jpg")
        save(folder.root, f"masks/{split}/{name}.png", numbers(i))
    folder.write("classes.txt", "sky\nvoid\ncar\n")
    (folder.root / "masks/train/a.png").unlink()
    (folder.root / "images/train/b.jpg").write_text("no image")
    save(folder.root, "masks/train/c.png", np.full((48, 64), 9, np.uint8))
    save(folder.root, "masks/train/d.png", numbers(3)[:20])
    save(folder.root, "masks/train/e.png", numbers(4).astype(np.uint16))
    values = np.array([0, 255, 1])
    return {f"{name}.jpg": values[numbers("abcdefg".index(name))] for name in "efg"}


def test_every_bad_pair_is_listed(folder, refusal):
    spoiled(folder)
    assert "a.jpg: has no mask" in refusal(find_segmentation_data, folder.root)
    data = find_segmentation_data(folder.root, complete=False)
    errors, _ = mask_defects(data)
    found = [next(n for n in "abcdefg" if f"/{n}." in line) for line in errors]
    assert found == ["a", "b", "c", "d"]
    assert "4" not in data.splits["train"].names and len(data.splits["train"].names) == 5


def test_a_repaired_copy_has_the_sound_pairs(folder, tmp_path):
    expected = spoiled(folder)
    before = folder.files()
    changes = write_repaired(find_segmentation_data(folder.root, complete=False), tmp_path / "out")
    assert folder.files() == before
    assert len(changes) == 4 + 2 and sum("left out" in line for line in changes) == 4
    assert sorted(changes[4:]) == [
        "masks of mode I;16, now of 8 bits: 1",
        "masks with other values, now the numbers of the classes: 2",
    ]
    data = find_segmentation_data(tmp_path / "out")
    assert data.classes == ("sky", "car")
    agree(data, tmp_path / "index", expected)


def test_a_repaired_copy_of_colours_is_of_numbers(folder, tmp_path):
    expected = cvat(folder, CVAT_MASKS["colours"])
    (change,) = write_repaired(find_segmentation_data(folder.root), tmp_path / "out")
    assert change == "masks in colours, now the numbers of the classes by labelmap.txt: 2"
    data = find_segmentation_data(tmp_path / "out")
    assert data.colours is None and data.classes == ("background", "cat", "dog")
    agree(data, tmp_path / "index", expected)


def test_nothing_sound_is_no_copy(folder, tmp_path):
    spoiled(folder)
    for path in (folder.root / "masks/train").iterdir():
        path.write_text("no mask")
    data = find_segmentation_data(folder.root, complete=False)
    with pytest.raises(DataError, match="images/train: no training image is sound"):
        write_repaired(data, tmp_path / "out")


def test_dark_and_turned_images_get_a_warning(folder):
    exif = Image.Exif()
    exif[0x0112] = 3
    for i in range(3):
        folder.image(f"images/train/{i}.png", exif=exif)
        save(folder.root, f"images/val/{i}.png", np.full((48, 64), 4000, np.uint16))
        for split in ("train", "val"):
            save(folder.root, f"masks/{split}/{i}.png", numbers(i))
    folder.write("classes.txt", "sky\nroad\ncar\n")
    turned, dark = check_segmentation_data(find_segmentation_data(folder.root))
    assert turned.startswith("train: training turns the image as its EXIF says: 3, first ")
    assert dark.startswith("val: every image is almost black; 12 bits stored in 16")


def test_a_mask_drawn_on_the_stored_picture_is_told_of_exif(folder, refusal):
    exif = Image.Exif()
    exif[0x0112] = 6
    for i in range(2):
        folder.image(f"images/{i}.jpg", exif=exif)
        save(folder.root, f"masks/{i}.png", numbers(i))
    data = find_segmentation_data(folder.root, ["sky", "road", "car"])
    message = refusal(check_segmentation_data, data)
    assert "0.jpg is 48 x 64 in training; its EXIF says how it is turned" in message


def test_a_config_with_listed_masks_can_be_dumped(folder, tmp_path):
    for name in ("a.jpg", "b.png"):
        folder.image(f"images/{name}")
        save(folder.root, f"masks/{name[0]}.png", numbers(0))
    data = find_segmentation_data(folder.root, ["sky", "road", "car"])
    config = dataset_config(data, "train", ConfigDict(), tmp_path)
    Config({"train": config}).dump(tmp_path / "config.py")
    assert Config.fromfile(tmp_path / "config.py").train == config
