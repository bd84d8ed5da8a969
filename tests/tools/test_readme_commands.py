"""The commands of every README: each is one that its tool takes."""

import argparse
import re
from importlib.metadata import metadata
from pathlib import Path

import pytest
from readme_blocks import PAGES, ROOT, Block, blocks, commands, inline_commands

SHELL = [block for block in blocks() if block.language == "bash"]
SCRIPTS = {  # their arguments before those of the tool, and the tool's own among these
    "tools/dist_train.sh": ("train", 2, slice(0, 1)),
    "tools/dist_test.sh": ("test", 3, slice(0, 2)),
    "tools/slurm_train.sh": ("train", 3, slice(2, 3)),
}


class Parsed(BaseException):
    """The tool's arguments are parsed; its work would begin."""


@pytest.fixture
def parse(run_tool, monkeypatch):
    """Call `parse(words)`: what is wrong with a command is raised."""
    for name in ("parse_args", "parse_intermixed_args"):
        parse_args = getattr(argparse.ArgumentParser, name)

        def parse_only(parser, *args, parse_args=parse_args) -> None:
            raise Parsed(parse_args(parser, *args))

        monkeypatch.setattr(argparse.ArgumentParser, name, parse_only)

    def parse(words: list[str]) -> None:
        program, *rest = words[1:] if words[0] == "python" else words
        if program in SCRIPTS:
            tool, before, own = SCRIPTS[program]
            tool_takes(tool, [*rest[:before][own], *rest[before:]])
        elif program.startswith("tools/"):
            tool_takes(Path(program).stem, rest)
        elif program == "msa":
            tool_takes(rest[0].replace("-", "_"), rest[1:])
        elif program == "make":
            rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
            assert {word for word in rest if "=" not in word} <= set(rules)
        elif program == "pip":
            assert extras(rest) <= set(metadata("msa_backbone").get_all("Provides-Extra"))
        elif program == "source":
            assert rest == [".venv/bin/activate"]
        else:
            raise AssertionError(f"no test knows how to check {words}")

    def tool_takes(tool: str, arguments: list[str]) -> None:
        with pytest.raises(Parsed):
            run_tool(tool, *arguments)

    return parse


def extras(arguments: list[str]) -> set[str]:
    """Of `pip install -e ".[a,b]"`."""
    assert arguments[0] == "install"
    (found,) = re.findall(r"^\.(?:\[([\w,]+)\])?$", arguments[-1])
    return set(filter(None, found.split(",")))


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_tools_take_the_arguments_of_every_block(block: Block, parse):
    if "<<" in block.code:
        assert block.code.splitlines()[0].startswith("python - ")
        return
    found = commands(block.code)
    assert found
    for words in found:
        parse(words)
        for config in re.findall(r"configs/[\w/.-]+\.py", " ".join(words)):
            assert (ROOT / config).is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tools_take_the_arguments_of_commands_in_sentences(page, parse):
    for words in inline_commands(page):
        if words[-1] not in ("TOOL", "train", "test"):  # a tool's name alone
            parse(words)
