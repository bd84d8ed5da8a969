"""Markdown tables."""

from collections.abc import Iterable, Sequence


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table with a line for each row; a bar inside a cell is escaped.

    >>> print(markdown_table(["run", "AP"], [["a", 0.5]]))
    | run | AP |
    | --- | --- |
    | a | 0.5 |
    """
    lines = []
    for row in (head, ["---"] * len(head), *rows):
        cells = [str(cell).replace("|", r"\|") for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
