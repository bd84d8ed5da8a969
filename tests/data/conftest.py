"""Small data folders, the user's real ones where they are, and what a refusal says."""

import json
from pathlib import Path

import pytest
from PIL import Image

from msa_backbone.errors import DataError


class DataFolder:
    """Builds data in the folder `root`; every image has one object of class `label`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir()

    def image(self, path: str, size: tuple[int, int] = (64, 48), **options) -> Path:
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.effect_noise(size, 60).convert("RGB").save(path, **options)
        return path

    def coco(
        self,
        path: str,
        image_dir: str,
        file_names: list[str],
        classes: tuple[object, ...] = ("cat", "dog"),
        label: int = 0,
    ) -> dict:
        content = {
            "images": [
                {"id": i, "file_name": name, "width": 64, "height": 48}
                for i, name in enumerate(file_names)
            ],
            "categories": [{"id": 10 + i, "name": name} for i, name in enumerate(classes)],
            "annotations": [
                {
                    "id": 1 + i,
                    "image_id": i,
                    "category_id": 10 + label,
                    "bbox": [4, 4, 20, 20],
                    "area": 400,
                    "iscrowd": 0,
                }
                for i in range(len(file_names))
            ],
        }
        self.write(path, json.dumps(content))
        for name in file_names:
            self.image(f"{image_dir}/{name}")
        return content

    def voc(
        self,
        image_dir: str,
        xml_dir: str,
        names: list[str],
        label: str = "cat",
        suffix: str = ".jpg",
    ) -> None:
        for name in names:
            self.image(f"{image_dir}/{name}{suffix}")
            self.write(
                f"{xml_dir}/{name}.xml",
                "<annotation><size><width>64</width><height>48</height></size>\n"
                f"<object><name>{label}</name><bndbox><xmin>5</xmin><ymin>5</ymin>"
                "<xmax>25</xmax><ymax>25</ymax></bndbox></object></annotation>",
            )

    def voc_list(self, base: str, split: str, names: list[str]) -> None:
        self.write(f"{base}/ImageSets/Main/{split}.txt", "".join(f"{name}\n" for name in names))

    def write(self, path: str, text: str) -> None:
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.root / path).read_text()
        assert old in text
        (self.root / path).write_text(text.replace(old, new))

    def files(self) -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in self.root.rglob("*") if path.is_file()}


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """An empty data folder beside which tests may write."""
    return DataFolder(tmp_path / "data")


@pytest.fixture
def refusal():
    """The one line with which a function refuses the data."""

    def call(function, *args, **options) -> str:
        with pytest.raises(DataError) as caught:
            function(*args, **options)
        assert "\n" not in str(caught.value)
        assert caught.value.__cause__ is None
        return str(caught.value)

    return call
