"""The console shows what one follows, the log file everything."""

import re
import warnings
from pathlib import Path

import pytest
from mmengine.hooks import Hook
from mmengine.registry import HOOKS

from msa_backbone.training.console import of_a_library, quiet_libraries, sorted_prints

OWN = re.compile(
    r"epoch \d/\d, step \d/3, loss \d+\.\d{4}, 0:\d\d:\d\d left|"
    r"validation: coco/bbox_mAP \d\.\d{3}, coco/bbox_mAP_50 \d\.\d{3}|"
    r"(?:tested|validated) \d/\d|Everything else is in .*\.log|"
    r"Data from .*|  (?:\w+: |format|10 cl).*|"
    r"Results, written to .*|`.*tiny\.py`||\| .* \|"
)
SPEAK = """
import warnings

class {name}(Hook):
    def _before_epoch(self, runner, mode="train"):
        print("{who}", "prints", 1)
        warnings.warn("{who} warns", stacklevel=1)
        runner.logger.warning("{who} logs")

    def after_train_epoch(self, runner):
        (log,) = Path(runner.log_dir).glob("*.log")
        assert "{who} prints 1\\n" in log.read_text() or "{who}" == "the user"  # at once

    def after_run(self, runner):
        runner.logger.error("{who} errs")
"""
KINDS = {
    "Installed": ("a library", "/x/site-packages/lib/hook.py"),
    "Own": ("the user", "/x/my.py"),
}


@pytest.fixture
def talking(tiny_config):
    """A config with hooks that print, warn and log: one of a library, one of the user."""
    for name, (who, file) in KINDS.items():
        scope = {"Hook": Hook, "Path": Path}
        exec(compile(SPEAK.format(name=name, who=who), file, "exec"), scope)
        HOOKS.register_module(name, module=scope[name])
    hooks = [{"type": name} for name in KINDS]
    tiny_config.write_text(f"{tiny_config.read_text()}custom_hooks = {hooks}\n")
    yield tiny_config
    for name in KINDS:
        HOOKS._module_dict.pop(name)


def test_the_console_shows_what_one_follows(run_tool, talking, demo, tmp_path, capfd):
    work, data = tmp_path / "work", ("--data", demo / "coco")
    one_epoch = ("--cfg-options", "train_cfg.max_epochs=1", "param_scheduler.1.T_max=1")
    one_epoch += ("optim_wrapper.paramwise_cfg.custom_keys.backbone.lr_mult=0.1",)
    with pytest.warns(UserWarning, match="the user warns"):
        run_tool("train", talking, *data, "--work-dir", work, *one_epoch)
    out, _ = capfd.readouterr()
    lines = out.splitlines()
    said = {"the user prints 1", "the user logs", "the user errs", "a library errs"}
    assert {line for line in lines if not OWN.fullmatch(line)} == said
    assert sum(line.startswith("epoch 1/1, step ") for line in lines) == 3
    assert sum(line.startswith("validation: ") for line in lines) == 1
    assert "| coco/bbox_mAP_50 |" in out
    remarks = ("a library prints 1", "UserWarning: a library warns", "a library logs")
    (log,) = work.glob("*/*.log")
    assert f"Everything else is in {log}" in lines
    written = log.read_text()
    everything = ("creating index...", "System environment:", "model=dict(", "lr_mult=0.1")
    for text in (*remarks, *everything, *lines[-4:]):
        assert text in written, text
    assert written.count(remarks[0]) == 2  # of training and validation

    with pytest.warns(UserWarning, match="the user warns"):
        run_tool("test", talking, work / "epoch_1.pth", *data, "--work-dir", work)
    out, _ = capfd.readouterr()
    assert {line for line in out.splitlines() if not OWN.fullmatch(line)} == said
    assert "tested 1/1" in out
    (log,) = work.glob("test/*/*.log")
    assert all(text in log.read_text() for text in remarks)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["default_hooks.timer=None"], r"epoch 1/1, step 3/3, loss \d\.\d{4}"),
        (["default_hooks.runtime_info=None"], r"epoch 1/1, step 3/3, 0:00:0\d left"),
        (["default_hooks.logger=None"], r"epoch 1/1, step 3/3, loss \d\.\d{4}, 0:00:00 left"),
        (["default_hooks.logger.interval=50"], r"epoch 1/1, step 3/3, loss \d\.\d{4}, .* left"),
        (["log_level='WARNING'"], None),
    ],
)
def test_progress_is_told_with_what_there_is(
    options, expected, run_tool, tiny_config, demo, tmp_path, capfd
):
    one_epoch = ("--cfg-options", "train_cfg.max_epochs=1", *options)
    run_tool("train", tiny_config, "--data", demo / "coco", "--work-dir", tmp_path, *one_epoch)
    steps = [line for line in capfd.readouterr().out.splitlines() if line.startswith("epoch 1")]
    if expected is None:
        assert not steps
    else:
        assert re.fullmatch(expected, steps[-1]), steps


def test_a_dry_run_shows_which_weights_were_loaded(run_tool, tiny_config, demo, tmp_path, capfd):
    work, data = tmp_path / "work", ("--data", demo / "coco")
    one_epoch = ("--cfg-options", "train_cfg.max_epochs=1")
    run_tool("train", tiny_config, *data, "--work-dir", work, *one_epoch)
    capfd.readouterr()
    weights = ("--weights", work / "epoch_1.pth", "--work-dir", tmp_path / "dry")
    run_tool("train", tiny_config, *data, "--dry-run", *weights, *one_epoch)
    out, _ = capfd.readouterr()
    assert re.search(r"\d+ of \d+ tensors loaded", out) and "Dry run: nothing was trained." in out
    assert "Learning rate: its schedule ends at 2, the training at 1 (max_epochs)" in out


def test_remarks_are_shown_if_a_run_fails_before_it_has_a_log(capsys):
    code = compile("print('why')", "/x/dist-packages/lib.py", "exec")
    with pytest.raises(KeyError), quiet_libraries(), sorted_prints():
        exec(code)
        raise KeyError
    assert capsys.readouterr() == ("", "why\n")
    with quiet_libraries(), sorted_prints():
        exec(code)
        print("a line of", "one's own")
    assert capsys.readouterr() == ("a line of one's own\n", "")
    with pytest.warns(UserWarning, match="shown again"):
        warnings.warn("shown again", stacklevel=1)


def test_installed_code_is_a_library_but_for_this_package():
    from msa_backbone.training import console

    assert of_a_library(pytest.__file__) and not of_a_library(__file__)
    assert not of_a_library(console.__file__) and not of_a_library(warnings.__file__)
