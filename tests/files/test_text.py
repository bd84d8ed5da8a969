"""Text files as people have them: other encodings are read or named, never a traceback."""

import codecs
import os

import pytest

from msa_backbone.errors import DataError
from msa_backbone.files.text import read_text


@pytest.mark.parametrize(
    "content",
    [
        "kätzchen\n".encode(),
        codecs.BOM_UTF8 + "kätzchen\n".encode(),
        "kätzchen\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "kätzchen\n".encode("utf-16-be"),
    ],
)
def test_utf_8_and_marked_utf_16_are_read(content, tmp_path):
    path = tmp_path / "classes.txt"
    path.write_bytes(content)
    assert read_text(path) == "kätzchen\n"


@pytest.mark.parametrize("content", ["kätzchen".encode("latin-1"), b"\xff\xfea", b"cat\n\x94"])
def test_other_encodings_are_named(content, tmp_path):
    path = tmp_path / "classes.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"classes\.txt: is no text in UTF-8.*save it in UTF-8"):
        read_text(path)


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        read_text(tmp_path)


def test_a_pipe_is_refused_as_nobody_may_ever_write_into_it(tmp_path):
    os.mkfifo(tmp_path / "val.json")
    with pytest.raises(DataError, match=r"val\.json: cannot be read \(a pipe or a device\)"):
        read_text(tmp_path / "val.json")
