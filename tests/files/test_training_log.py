"""What is read of a work dir whose training was resumed, begun anew or cut off."""

import json

import pytest
from training_logs import log

from msa_backbone.files.training_log import read_records


def losses(work_dir):
    training, validation = read_records(work_dir)
    assert [record["step"] for record in training] == list(range(1, len(training) + 1))
    assert [record["step"] for record in validation] == list(range(1, len(validation) + 1))
    return [record["loss"] for record in training], [10 * r["coco/bbox_mAP_50"] for r in validation]


def test_nothing_was_logged_yet(tmp_path):
    assert read_records(tmp_path) == ([], [])


def test_a_resumed_training_goes_on_where_it_was_resumed(tmp_path):
    log(tmp_path, "20260101_000000", (1, 2, 3), loss=1.0)
    log(tmp_path, "20260102_000000", (3, 4), loss=2.0)  # from the checkpoint of epoch 2
    assert losses(tmp_path) == ([1.0] * 4 + [2.0] * 4, [1.0] * 2 + [2.0] * 2)
    log(tmp_path, "20260103_000000", (5,), loss=3.0)
    assert losses(tmp_path)[1] == [1.0, 1.0, 2.0, 2.0, 3.0]


def test_a_training_from_the_start_replaces_what_was_there(tmp_path):
    log(tmp_path, "20260101_000000", (1, 2, 3), loss=1.0)
    log(tmp_path, "20260102_000000", (1,), loss=2.0)
    assert losses(tmp_path) == ([2.0, 2.0], [2.0])
    folder = tmp_path / "20260103_000000/vis_data"
    folder.mkdir(parents=True)
    # its first record comes later than the others' first one did
    lines = [{"start_iter": 0, "step": 0}, {"loss": 3.0, "step": 20}]
    (folder / "scalars.json").write_text("\n".join(map(json.dumps, lines)))
    assert read_records(tmp_path) == ([{"loss": 3.0, "step": 20}], [])


def test_a_test_in_the_work_dir_is_no_training(tmp_path):
    log(tmp_path, "20260101_000000", (1,), loss=1.0)
    folder = tmp_path / "20260102_000000/vis_data"
    folder.mkdir(parents=True)
    (folder / "scalars.json").write_text('{"coco/bbox_mAP_50": 0.9, "step": 0}')
    assert losses(tmp_path) == ([1.0, 1.0], [1.0])


def test_a_last_line_that_is_half_written_is_left_out(tmp_path):
    log(tmp_path, "20260101_000000", epochs=[1, 2], loss=1.0)
    file = next(tmp_path.rglob("scalars.json"))
    before = read_records(tmp_path)
    complete = file.read_text()
    file.write_text(complete + '{"loss": 0.5, "st')
    assert read_records(tmp_path) == before
    file.write_text('{"loss": 0.5, "st\n' + complete)
    with pytest.raises(ValueError, match=r"scalars.json: record 1 is no JSON"):
        read_records(tmp_path)
