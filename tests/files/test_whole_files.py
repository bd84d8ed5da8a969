"""Files that are there as a whole or not at all, and names for files."""

from pathlib import Path

import pytest

from msa_backbone.files.whole_files import safe_names, write_whole


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


def test_a_name_of_any_script_stays_as_it_is():
    names = ["कुत्ता", "แมวน้ำ", "caf\u00e9", "dog (big), 50%", "می\u200cروم", "犬"]
    assert safe_names(names) == names
    assert safe_names(["cafe\u0301"]) == ["caf\u00e9"]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ('a<b>c:d"e/f\\g|h?i*j', "a_b_c_d_e_f_g_h_i_j"),
        ("a\nb\u2028c\x85d\0e\udcfff", "a_b_c_d_e_f"),
        ("\u00a0. a. \u3000", "a"),
        ("CON", "CON_"),
        ("aux.b", "aux_.b"),
        ("falcon", "falcon"),
        ("Conrad", "Conrad"),
        ("x" * 99, "x" * 60),
    ],
)
def test_what_no_file_system_or_list_holds_is_replaced(name, safe):
    assert safe_names([name]) == [safe]


def test_names_are_different_in_any_case():
    assert safe_names(["caf\u00e9", "CAFE\u0301", "a/b", "A:B"]) == [
        *("caf\u00e9", "CAF\u00c9-2", "a_b", "A_B-2")
    ]
