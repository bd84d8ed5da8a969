"""No two inputs of predict.py write to the same file, and none writes over an input."""

import pytest

from msa_backbone.errors import DataError
from msa_backbone.inference.result_names import picture_name, require_another_file, video_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["film.avi", "sub/film.avi", "camera0"], ["film", "sub/film", "camera0"]),
        (["clip.v1.mp4", "clip.v2.mp4"], ["clip.v1", "clip.v2"]),
        (["a.avi", "a.mp4", "b.mp4"], ["a.avi", "a.mp4", "b"]),
        (["a.avi", "a.mp4", "a.avi.mov"], ["a.avi", "a.mp4", "a.avi.mov"]),
        (["camera0", "camera0.mp4"], ["camera0", "camera0.mp4"]),
        (["predictions.mp4"], ["predictions.mp4"]),  # predictions.json is that of the images
    ],
)
def test_videos_have_names_of_their_own(names, expected):
    assert video_names(names) == expected


def test_pictures_keep_their_names_if_they_can_be_written():
    names = ("a/b.JPG", "film.gif", "plain")
    assert [picture_name(name) for name in names] == ["a/b.JPG", "film.gif.png", "plain.png"]


def test_a_result_is_not_written_over_its_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sources = {(tmp_path / name).resolve() for name in ("a.mp4", "b.mp4")}
    require_another_file(tmp_path / "out/a.mp4", sources)
    with pytest.raises(
        DataError, match=r"b.mp4: this input would be replaced .* choose another --out"
    ):
        require_another_file(tmp_path / "sub/../b.mp4", sources)
