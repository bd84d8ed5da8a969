"""XML in odd encodings and with small faults: the same objects, or one line with the file."""

import codecs

import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data


@pytest.fixture
def written(folder):
    """The data of two xml files, of which b is `text` in `encoding`."""

    def find(text: str, encoding: str = "utf-8", mark: bytes = b""):
        folder.voc("images", "annotations", ["a", "b"])
        path = folder.root / "annotations/b.xml"
        path.write_bytes(mark + text.encode(encoding))
        return find_detection_data(folder.root)

    return find


def xml(name: str = "dog", folder: str = "f", inside: str = "") -> str:
    return (
        f"<annotation><folder>{folder}</folder><size><width>64</width><height>48</height></size>"
        f"<object><name>{name}</name><bndbox><ymax>25</ymax><xmax>25</xmax><xmin>5</xmin>"
        f"<ymin>5</ymin></bndbox></object>{inside}</annotation>"
    )


def declared(encoding: str, text: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'


@pytest.mark.parametrize(
    ("text", "encoding", "mark", "name"),
    [
        (xml("h\u00fchn"), "utf-8", codecs.BOM_UTF8, "h\u00fchn"),
        (declared("utf-16", xml("h\u00fchn")), "utf-16", b"", "h\u00fchn"),
        (xml("h\u00fchn"), "utf-16-be", codecs.BOM_UTF16_BE, "h\u00fchn"),
        (declared("utf-16", xml("h\u00fchn")), "utf-8", b"", "h\u00fchn"),  # not what it says
        (declared("GBK", xml("\u88c2\u7f1d")), "gbk", b"", "\u88c2\u7f1d"),
        (declared("gb2312", xml("\u88c2\u7f1d")), "gb18030", b"", "\u88c2\u7f1d"),
        (declared("Shift_JIS", xml("\u72ac")), "shift_jis", b"", "\u72ac"),
        (declared("ISO-8859-1", xml("h\u00fchn")), "latin-1", b"", "h\u00fchn"),
        (declared("windows-1252", xml("h\u00fchn \u20ac")), "cp1252", b"", "h\u00fchn \u20ac"),
        (declared("GBK", xml("a & b", "\u88c2\u7f1d")), "gbk", b"", "a & b"),
        (xml("dog", "\u88c2\u7f1d"), "gbk", b"", "dog"),  # only the folder is not ASCII
        (xml("dog", "f\u00fcr"), "latin-1", b"", "dog"),
        (xml("salt & pepper"), "utf-8", b"", "salt & pepper"),
        (xml("salt &amp; pepper & co &#38; x"), "utf-8", b"", "salt & pepper & co & x"),
        ("\n  \t" + declared("utf-8", xml("dog")), "utf-8", b"", "dog"),
        ("\n" + xml("dog"), "utf-8", codecs.BOM_UTF8, "dog"),
        (xml(" dog\n  x "), "utf-8", b"", "dog x"),
    ],
)
def test_what_is_read(written, text, encoding, mark, name):
    data = written(text, encoding, mark)
    content = data.splits["train"].content
    names = {category["id"]: category["name"] for category in content["categories"]}
    found = [(names[r["category_id"]], r["bbox"]) for r in content["annotations"]]
    assert found == [("cat", [4, 4, 20, 20]), (name, [4, 4, 20, 20])]
    assert check_detection_data(data) == []


@pytest.mark.parametrize(
    ("text", "encoding", "message"),
    [
        (xml("h\u00fchn"), "latin-1", "is not in the encoding that it declares, or in UTF-8"),
        (xml("\u88c2\u7f1d"), "gbk", "is not in the encoding that it declares, or in UTF-8"),
        (xml() + xml(), "utf-8", "not valid XML (junk after document element"),
        (xml()[:-9], "utf-8", "not valid XML (unclosed token"),
        ("", "utf-8", "not valid XML (no element found"),
        (xml("\x00"), "utf-8", "not valid XML ("),
    ],
)
def test_what_is_refused(written, refusal, text, encoding, message):
    said = refusal(written, text, encoding)
    assert "annotations/b.xml: " in said and message in said


def test_the_oddities_are_counted(written):
    assert "train: xml files with an & that should be &amp;: 1" in written(xml("a & b")).notes


@pytest.mark.parametrize(
    ("polygon", "box"),
    [
        ("<x1>5</x1><y1>6</y1><x2>25</x2><y2>6</y2><x3>20</x3><y3>30.5</y3>", [4, 5, 20, 24.5]),
        (
            "<pt><x>5</x><y>6</y></pt><pt><x>25</x><y>6</y></pt><pt><x>9</x><y>9</y></pt>",
            [4, 5, 20, 3],
        ),
    ],
)
def test_a_polygon_without_a_box(written, polygon, box):
    inside = f"<object><name>dog</name><polygon>{polygon}</polygon></object>"
    data = written(xml(inside=inside))
    assert [r["bbox"] for r in data.splits["train"].content["annotations"]][2] == box
    assert "train: boxes around polygons: 1" in data.notes


@pytest.mark.parametrize("size", ["", "<size><width>0</width><height>0</height></size>", "<size/>"])
def test_a_size_that_is_not_stated_is_the_files(written, size):
    text = xml().replace("<size><width>64</width><height>48</height></size>", size)
    data = written(text)
    sizes = [(i["width"], i["height"]) for i in data.splits["train"].content["images"]]
    assert sizes == [(64, 48), (64, 48)]
    assert "train: sizes read from the images' files: 1" in data.notes


@pytest.mark.parametrize("text", ["1", "True", " yes ", "1.0", "0", "", "no"])
def test_difficult(written, text):
    data = written(xml().replace("<bndbox>", f"<difficult>{text}</difficult><bndbox>"))
    expected = int(text.strip() in ("1", "True", "yes", "1.0"))
    assert data.splits["train"].content["annotations"][1]["iscrowd"] == expected
