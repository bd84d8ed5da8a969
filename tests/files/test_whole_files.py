"""Files that are there as a whole or not at all."""

from pathlib import Path

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


def test_two_processes_that_write_the_same_file_do_not_disturb_each_other(tmp_path, monkeypatch):
    file, replace = tmp_path / "a.txt", Path.replace

    def let_the_other_finish_first(part: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", replace)
        write_whole(file, "the other's")
        assert file.read_text() == "the other's"
        return part.replace(target)

    monkeypatch.setattr(Path, "replace", let_the_other_finish_first)
    write_whole(file, "the first's, which comes last")
    assert file.read_text() == "the first's, which comes last"
    assert list(tmp_path.iterdir()) == [file]
