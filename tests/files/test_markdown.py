"""Markdown tables."""

from msa_backbone.files.markdown import markdown_table


def test_a_line_for_each_row():
    table = markdown_table(["name", ""], [["a", 1], ["b", None]])
    assert table.splitlines() == ["| name |  |", "| --- | --- |", "| a | 1 |", "| b | None |"]


def test_a_bar_in_a_name_opens_no_column():
    assert markdown_table(["a"], [["x|y"]]).splitlines()[-1] == r"| x\|y |"


def test_a_table_without_rows_has_a_head():
    assert markdown_table(["a", "b"], []).splitlines() == ["| a | b |", "| --- | --- |"]
