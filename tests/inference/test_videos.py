"""Frames come out of video files as they went in."""

from itertools import islice

import cv2
import numpy as np
import pytest

from msa_backbone.errors import DataError
from msa_backbone.inference.sources import Stream
from msa_backbone.inference.videos import VideoFile, frames_of, open_stream


def test_frames_are_rgb_and_can_be_limited(tmp_path):
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (32, 24))
    for _ in range(5):
        writer.write(np.full((24, 32, 3), (0, 0, 220), np.uint8))  # red, as BGR
    writer.release()
    for most, count in ((None, 5), (2, 2)):
        with open_stream(Stream(str(path), "film.avi")) as capture:
            frames = list(islice(frames_of(capture), most))
        assert len(frames) == count and frames[0].shape == (24, 32, 3)
    red, green, blue = frames[0].reshape(-1, 3).mean(0)
    assert red > 200 and green < 20 and blue < 20
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(DataError, match="no video that OpenCV can open"):
        open_stream(Stream(str(tmp_path / "text.mp4"), "text.mp4")).__enter__()


def test_frames_of_other_sizes_are_cut_or_end_in_white(tmp_path):
    film = VideoFile(tmp_path / "film.mp4", 12.0)
    for height, width in ((24, 32), (16, 32), (40, 48)):
        film.write(np.zeros((height, width, 3), np.uint8))
    film.close()
    with open_stream(Stream(str(tmp_path / "film.mp4"), "film.mp4")) as capture:
        frames = list(frames_of(capture))
    assert [frame.shape for frame in frames] == [(24, 32, 3)] * 3
    assert frames[1][18:].mean() > 220 and frames[1][:14].mean() < 30
    assert frames[2].mean() < 30


def test_frames_are_written_as_rgb(tmp_path):
    path = tmp_path / "new/film.mp4"
    film = VideoFile(path, 12.0)
    for _ in range(3):
        film.write(np.full((24, 32, 3), (220, 0, 0), np.uint8))
    film.close()
    with open_stream(Stream(str(path), "film.mp4")) as capture:
        assert capture.get(cv2.CAP_PROP_FPS) == 12
        frames = list(frames_of(capture))
    assert len(frames) == 3 and frames[0].shape == (24, 32, 3)
    red, green, blue = frames[0].reshape(-1, 3).mean(0)
    assert red > 180 and green < 40 and blue < 40
    VideoFile(tmp_path / "empty.mp4", 12.0).close()
    assert not (tmp_path / "empty.mp4").exists()
