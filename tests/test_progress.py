"""Progress is shown for what takes long, and time is written in hours."""

import pytest

from msa_backbone.cli.progress import print_steps
from msa_backbone.progress import Step, format_time, progress_line


def test_time_is_written_in_hours():
    assert format_time(3723.4) == "1:02:03"


def test_steps_tell_the_time_that_is_left():
    assert Step("a.png: 2 objects", 2, 8).describe(30.0) == "[2/8] a.png: 2 objects; 0:01:30 left"
    assert Step("camera0_000001", 2).describe(30.0) == "[2] camera0_000001"


def test_failed_steps_are_printed_and_kept(capsys):
    steps = [Step("good", 1, 2), Step("bad", 2, 2, failed=True)]
    assert print_steps(steps) == ["bad"]
    assert capsys.readouterr().out == "[1/2] good; 0:00:00 left\n[2/2] bad; 0:00:00 left\n"


@pytest.mark.parametrize(
    ("seconds_each", "total", "lines"),
    [
        (0.001, 1000, []),
        (0.5, 4, []),
        (1.0, 4, ["[3/4] 0:00:01 left", "[4/4] 0:00:00 left"]),
        (1.5, 5, ["[3/5] 0:00:03 left", "[5/5] 0:00:00 left"]),
    ],
)
def test_progress_is_shown_of_what_takes_long(seconds_each, total, lines, monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr("msa_backbone.progress.time.monotonic", lambda: now)
    progress = progress_line()
    for _ in range(2):  # a count that begins anew
        for done in range(1, total + 1):
            progress(done, total)
            now += seconds_each
        assert capsys.readouterr().out.splitlines() == lines


def test_a_terminal_shows_one_line(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr("msa_backbone.progress.time.monotonic", lambda: now)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    progress = progress_line()
    for done in range(1, 4):
        progress(done, 3)
        now += 3
    assert capsys.readouterr().out == "[2/3] 0:00:03 left\r[3/3] 0:00:00 left\n"
