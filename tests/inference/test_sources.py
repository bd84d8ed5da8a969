"""What names pictures and videos."""

import pytest

from msa_backbone.errors import DataError
from msa_backbone.inference.sources import ImageFile, Stream, find_sources


def test_folders_patterns_files_and_cameras(tmp_path, monkeypatch):
    for name in ("a/one.JPG", "a/b/two.png", "a/notes.txt", "a/film.mp4", "c/three.webp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    folder, pattern = str(tmp_path / "a"), str(tmp_path / "c/*.webp")
    images, streams = find_sources([folder, pattern, "0"])
    assert images == [
        ImageFile(tmp_path / "a/b/two.png", "b/two.png"),
        ImageFile(tmp_path / "a/one.JPG", "one.JPG"),
        ImageFile(tmp_path / "c/three.webp", "three.webp"),
    ]
    assert streams == [Stream(str(tmp_path / "a/film.mp4"), "film.mp4"), Stream(0, "camera0")]
    assert find_sources([folder, folder]) == find_sources([folder])


def test_results_of_an_earlier_run_are_no_inputs(tmp_path):
    for name in ("a.png", "out/pictures/a.png", "out/film.mp4", "pictures/b.png", "masks/b.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def names(folder: str, out: str) -> list[str]:
        images, streams = find_sources([str(tmp_path / folder)], tmp_path / out)
        return [source.name for source in (*images, *streams)]

    assert names("", "out") == ["a.png", "masks/b.png", "pictures/b.png"]
    assert names("", ".") == ["a.png", "out/pictures/a.png", "out/film.mp4"]
    assert names("out/pictures", "out") == ["a.png"]  # asked for by name
    assert len(names("", "elsewhere")) == 5


def test_inputs_that_name_nothing_or_one_name_twice(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("x", "y"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.png").touch()
    with pytest.raises(DataError, match="no such file, folder or pattern"):
        find_sources([str(tmp_path / "gone.jpg")])
    with pytest.raises(DataError, match="holds no image and no video"):
        find_sources([str(tmp_path / "empty")])
    with pytest.raises(DataError, match=r"y/same.png: another input is called same.png too"):
        find_sources([str(tmp_path / "x"), str(tmp_path / "y")])
