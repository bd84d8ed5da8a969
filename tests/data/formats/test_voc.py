"""What VOC's lists and xml files may hold, and which of them are refused."""

import time

import pytest
from data_folders import voc

from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.formats import voc as voc_format


def test_malformed_voc_is_refused(folder, refusal):
    folder.voc("images", "annotations", ["a"])
    folder.edit("annotations/a.xml", "<name>cat</name>", "")
    message = refusal(find_detection_data, folder.root)
    assert "a.xml: object 0 has no name; add it" in message
    folder.edit("annotations/a.xml", "</annotation>", "")
    message = refusal(find_detection_data, folder.root)
    assert "a.xml: not valid XML (" in message and "line 2, column" in message


@pytest.mark.parametrize("line", ["b", "b.jpg", "a b", "a 2"])
def test_voc_lists_must_name_xml_files(folder, refusal, line):
    folder.voc("JPEGImages", "Annotations", ["a"])
    folder.voc_list(".", "train", ["a", line])
    message = refusal(find_detection_data, folder.root)
    assert f"train.txt: lists {line!r}, which has no xml file" in message
    assert f"add {folder.root}/Annotations/{line}.xml or mend" in message
    assert "a bare name, no suffix" in message


def test_white_space_and_a_byte_order_mark_are_no_part_of_a_name(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "train", ["\ufeffa ", "", "\tb"])
    images = find_detection_data(folder.root).splits["train"].content["images"]
    assert [image["file_name"] for image in images] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("suffix", [".JPG", ".PNG", ".jpeg", ".tif"])
def test_images_may_have_any_usual_suffix(folder, suffix):
    folder.voc("images", "annotations", ["a"], suffix=suffix)
    (image,) = find_detection_data(folder.root).splits["train"].content["images"]
    assert image["file_name"] == f"a{suffix}"


def test_a_name_listed_twice_is_refused(folder, refusal):
    folder.voc("JPEGImages", "Annotations", ["a", "b"])
    folder.voc_list(".", "train", ["a", "b", "a"])
    message = refusal(find_detection_data, folder.root)
    assert message.endswith("train.txt: lists 'a' twice; remove one of the lines")


def test_voc_lists_may_name_subfolders(folder):
    folder.voc("JPEGImages", "Annotations", ["a", "day1/a"])
    folder.voc_list(".", "train", ["a", "day1/a"])
    images = find_detection_data(folder.root).splits["train"].content["images"]
    assert [image["file_name"] for image in images] == ["a.jpg", "day1/a.jpg"]


def test_an_encoding_that_cannot_be_read_is_named(folder, refusal):
    folder.voc("images", "annotations", ["a"])
    path = folder.root / "annotations/a.xml"
    path.write_text('<?xml version="1.0" encoding="nonsense"?>' + path.read_text())
    message = refusal(find_detection_data, folder.root)
    assert str(path) in message and "not valid XML" in message


def test_entities_that_would_fill_the_memory_are_refused(folder, refusal):
    """The "billion laughs": ten lines that stand for a text of gigabytes."""
    folder.voc("images", "annotations", ["a"])
    path = folder.root / "annotations/a.xml"
    levels = [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 4)]
    bomb = f'<!DOCTYPE annotation [<!ENTITY l0 "ha">{"".join(levels)}]>'
    path.write_text(bomb + path.read_text().replace("<name>cat", "<name>&l3;"))
    message = refusal(find_detection_data, folder.root)
    assert f"{path}: not valid XML (" in message and "export it again" in message


def test_a_filename_of_another_image_is_counted(tmp_path):
    """The image of the xml's own name is read, and a stale name of no image is none's."""
    voc(tmp_path)
    for number, stated in ((0, "image_5.jpg"), (1, "IMG_0001.jpg"), (7, "old/image_2.jpg")):
        path = tmp_path / "Annotations" / f"image_{number}.xml"
        path.write_text(path.read_text().replace(f"image_{number}.jpg", stated))
    data = find_detection_data(tmp_path)
    files = [image["file_name"] for image in data.splits["train"].content["images"]]
    assert files == [f"image_{number}.jpg" for number in range(6)]
    notes = [note for note in data.notes if "whose filename" in note]
    assert notes == ["train: xml files of an image's name whose filename is another image's: 1"]


class AnyFile:
    """In the place of `FolderFiles`: a folder that has every file."""

    def __init__(self, *_) -> None:
        pass

    def has(self, _: str) -> bool:
        return True


def test_a_long_list_costs_no_more_time_a_line_than_a_short_one(folder, monkeypatch):
    monkeypatch.setattr(voc_format, "FolderFiles", AnyFile)
    names = [f"{number:06}" for number in range(16000)]
    folder.voc_list(".", "train", [*names, "000007"])
    path = folder.root / "ImageSets/Main/train.txt"
    start = time.process_time()
    found, (unread,) = voc_format.voc_names(voc_format.VocSplit(folder.root, folder.root, path))
    assert time.process_time() - start < 1
    assert found == [f"{name}.xml" for name in names] and "lists '000007' twice" in unread
