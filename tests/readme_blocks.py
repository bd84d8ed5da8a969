"""The code blocks of a page, and the commands in them."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template

ROOT = Path(__file__).parents[1]
# The Chinese page has the code of the English one; tests/test_readme.py compares them.
PAGES = [
    ROOT / "README.md",
    ROOT / "tools/README.md",
    *sorted((ROOT / "configs").rglob("README.md")),
    ROOT / "msa_backbone/README.md",
    ROOT / "msa_backbone/layers/README.md",
]
BLOCK = re.compile(
    r"(?:<!-- not run: ([^>]+) -->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
INLINE = re.compile(r"`((?:python tools/\w+\.py|tools/\w+\.py|msa|make) [^`]*)`")


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        page: relative to the repository.
        line: its first one, from 1 on.
        language: as behind the fence.
        code: what stands inside.
        not_run: why no test runs it, or nothing.
    """

    page: str
    line: int
    language: str
    code: str
    not_run: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks() -> list[Block]:
    """Of all pages."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start(3))
            name = page.relative_to(ROOT).as_posix()
            found.append(Block(name, line, match[2], match[3], match[1]))
    return found


def inline_commands(page: Path) -> list[list[str]]:
    """Commands within sentences; those that end in `...` are only begun."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = [" ".join(command.split()) for command in INLINE.findall(text)]
    return [shlex.split(command) for command in found if not command.endswith("...")]


def commands(code: str) -> list[list[str]]:
    """The words of each command, with the variables that the block sets filled in."""
    variables: dict[str, str] = {}
    found = []
    for line in code.replace("\\\n", " ").splitlines():
        words = shlex.split(Template(line).safe_substitute(variables), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            name, _, value = words.pop(0).partition("=")
            variables[name] = value
        if words:
            found.append(words)
    return found
