"""The console shows what one follows, the log file everything."""

import re
import warnings

import pytest
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

OWN = re.compile(
    r"epoch 1/1, step \d/3, loss \d+\.\d{4}, 0:\d\d:\d\d left|"
    r"validation: coco/bbox_mAP \d\.\d{3}, coco/bbox_mAP_50 \d\.\d{3}|tested \[1/1\]|"
    r"Results, written to .*|`.*tiny\.py`||\| .* \||Data from .*|  .*"
)


class Talking(Hook):
    """A library's remarks."""

    def _before_epoch(self, runner, mode: str = "train") -> None:
        print("a library prints")
        warnings.warn("a library warns", stacklevel=1)
        runner.logger.warning("a library logs")

    def after_run(self, runner) -> None:
        runner.logger.error("an error shows")


@pytest.fixture
def talking(tiny_config):
    """A config with that hook."""
    HOOKS.register_module(module=Talking, force=True)
    tiny_config.write_text(f"{tiny_config.read_text()}custom_hooks = [dict(type='Talking')]\n")
    yield tiny_config
    HOOKS._module_dict.pop("Talking")


def test_the_console_shows_what_one_follows(run_tool, talking, demo, tmp_path, capfd):
    work, data = tmp_path / "work", ("--data", demo / "coco")
    one_epoch = ("--cfg-options", "train_cfg.max_epochs=1")
    run_tool("train", talking, *data, "--work-dir", work, *one_epoch)
    out, err = capfd.readouterr()
    lines = out.splitlines()
    errors = [line for line in lines if not OWN.fullmatch(line)]
    assert (errors, err) == (["an error shows"], "")
    assert sum(line.startswith("epoch 1/1, step ") for line in lines) == 3
    assert sum(line.startswith("validation: ") for line in lines) == 1
    assert "| coco/bbox_mAP_50 |" in out
    remarks = ("a library prints", "a library warns", "a library logs", "creating index...")
    (log,) = work.glob("*/*.log")
    written = log.read_text()
    for text in (*remarks, "System environment:", "model = dict(", "lr_mult=0.1", *lines[-4:]):
        assert text in written, text
    assert written.count("a library warns") == written.count("a library prints") == 2

    run_tool("test", talking, work / "epoch_1.pth", *data, "--work-dir", work)
    out, err = capfd.readouterr()
    assert all(OWN.fullmatch(line) for line in out.splitlines() if line != "an error shows"), out
    assert "tested [1/1]" in out and err == ""
    (log,) = work.glob("test/*/*.log")
    assert all(text in log.read_text() for text in remarks)


def test_what_waits_for_a_log_is_not_kept_for_the_next_run(tmp_path):
    from msa_backbone.training import tool_runner

    with tool_runner.quiet_libraries():
        warnings.warn("of a run that never had a log", stacklevel=1)
        assert tool_runner._waiting.buffer
    assert not tool_runner._waiting.buffer
    with pytest.warns(UserWarning, match="shown again"):
        warnings.warn("shown again", stacklevel=1)
