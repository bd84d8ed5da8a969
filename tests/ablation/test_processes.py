"""Tasks in processes of their own: failures stay theirs, none outlives the main process."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from processes import PRELOAD
from toy_tasks import die, fail, note

from msa_backbone.ablation.processes import run_in_processes


def test_tasks_run_apart_and_failures_are_named(tmp_path):
    lines: list[str] = []
    # The server that forks the processes may be there already, from a run with other settings.
    task, log = {"before": partial(note, tmp_path / "x")}, {"before": tmp_path / "y"}
    run_in_processes(task, log, 1, str, preload=PRELOAD)
    files = [tmp_path / name for name in "ab"]
    tasks = {
        "first": partial(note, files[0]),
        "bad": fail,
        "killed": die,
        "second": partial(note, files[1]),
    }
    logs = {name: tmp_path / "logs" / name for name in tasks}
    failed = run_in_processes(tasks, logs, 2, lines.append, threads=1)
    assert failed.keys() == {"bad", "killed"}
    assert "ValueError: this one was bound to fail" in failed["bad"]
    assert "exit code -9" in failed["killed"] and str(logs["killed"]) in failed["killed"]
    pids = {file.read_text().split()[0] for file in files}
    assert len(pids) == 2 and str(os.getpid()) not in pids
    assert all(file.read_text().split()[1] == "1" for file in files)
    assert "noted by" in logs["first"].read_text()
    assert lines[0] == "4 to do, 2 at a time"
    assert [line.split()[0] for line in lines[1:]] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert lines[-1].endswith("0:00:00 left")


def test_a_failure_is_not_told_as_that_of_an_earlier_attempt(tmp_path):
    log = {"x": tmp_path / "log"}
    log["x"].write_text("RuntimeError: of the first attempt\n")
    failed = run_in_processes({"x": die}, log, 1, str)
    assert "exit code -9" in failed["x"] and "first attempt" in log["x"].read_text()


MAIN = """
import sys
from functools import partial
from pathlib import Path
sys.path.insert(0, {tests!r})
from toy_tasks import sleep_long
from msa_backbone.ablation.processes import run_in_processes
if __name__ == '__main__':
    file = Path({file!r})
    task = {{'x': partial(sleep_long, file)}}
    run_in_processes(task, {{'x': file.with_suffix('.log')}}, 1, print)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_main_process_leaves_none_behind(tmp_path, how):
    script, file = tmp_path / "main.py", tmp_path / "pid"
    script.write_text(MAIN.format(tests=str(Path(__file__).parents[1]), file=str(file)))
    main = subprocess.Popen([sys.executable, script])
    try:
        deadline = time.monotonic() + 120
        while not file.exists() or not file.read_text():
            assert time.monotonic() < deadline and main.poll() is None
            time.sleep(0.2)
        pid = int(file.read_text())
        main.send_signal(how)
        main.wait(timeout=30)
        deadline = time.monotonic() + 30
        while is_alive(pid):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        main.kill()


LOADS = """
from functools import partial
from pathlib import Path
from toy_tasks import note
from msa_backbone.ablation.processes import run_in_processes
if __name__ == '__main__':
    folder = Path({folder!r})
    task = {{'x': partial(note, folder / 'noted')}}
    logs, said = {{'x': folder / 'x.txt'}}, folder / 'logs/server.txt'
    run_in_processes(task, logs, 1, print, preload=['talks_when_loaded'], preload_log=said)
"""


@pytest.mark.slow
def test_what_is_said_while_modules_load_goes_into_a_file(tmp_path):
    said = "import os, warnings\nos.write(1, b'a print')\nwarnings.warn('a warning')\n"
    (tmp_path / "talks_when_loaded.py").write_text(said)
    script = tmp_path / "main.py"
    script.write_text(LOADS.format(folder=str(tmp_path)))
    places = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    environment = {**os.environ, "PYTHONPATH": places, "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(
        [sys.executable, script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("1 to do") and "[1/1] x: done" in done.stdout
    said = (tmp_path / "logs/server.txt").read_text()
    assert "a print" in said and "a warning" in said
    assert not any(text in done.stdout + done.stderr for text in ("a print", "a warning"))


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
