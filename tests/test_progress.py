"""Progress is shown for what takes long, and time is written in hours."""

import pytest

from msa_backbone.cli.progress import print_steps
from msa_backbone.progress import Step, format_time, progress_bar


def test_time_is_written_in_hours():
    assert format_time(3723.4) == "1:02:03"


def test_steps_tell_the_time_that_is_left():
    assert Step("a.png: 2 objects", 2, 8).describe(30.0) == "[2/8] a.png: 2 objects; 0:01:30 left"
    assert Step("camera0_000001", 2).describe(30.0) == "[2] camera0_000001"


def test_failed_steps_are_printed_and_kept(capsys):
    steps = [Step("good", 1, 2), Step("bad", 2, 2, failed=True)]
    assert print_steps(steps) == ["bad"]
    assert capsys.readouterr().out == "[1/2] good; 0:00:00 left\n[2/2] bad; 0:00:00 left\n"


class Bar:
    """Counts what a progress bar is told."""

    made: list["Bar"]

    def __init__(self, total):
        self.total, self.done, self.updates = total, 0, 0
        Bar.made.append(self)

    def update(self, steps):
        self.done += steps
        self.updates += 1


@pytest.mark.parametrize(("total", "bars"), [(500, []), (501, [(501, 501)])])
def test_progress_is_shown_for_many_images(total, bars, monkeypatch):
    Bar.made = []
    monkeypatch.setattr("mmengine.utils.ProgressBar", Bar)
    progress = progress_bar()
    for done in range(1, total + 1):
        progress(done, total)
    assert [(bar.total, bar.done) for bar in Bar.made] == bars
    assert all(80 <= bar.updates <= 101 for bar in Bar.made)
