"""Files that are there as a whole or not at all."""

import pytest

from msa_backbone.files.whole_files import write_whole


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    write_whole(tmp_path / "new/a.txt", "before")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "new/a.txt", "a name that is no text: \udcff")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", "text")
    assert (tmp_path / "new/a.txt").read_text() == "before"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.txt", "folder", "new"]
