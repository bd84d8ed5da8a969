"""Images that a json names in another way than their folder: found where that is certain."""

import json
import unicodedata

import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data
from msa_backbone.data.detection.index import ann_file, write_index


@pytest.fixture
def named(folder):
    """A folder of the image files `files` (sizes differ) and a json that names them `names`."""

    def write(files: list[str], names: list[str]):
        content = {"images": [], "categories": [{"id": 1, "name": "cat"}], "annotations": []}
        for number, (file, name) in enumerate(zip(files, names, strict=True), start=1):
            size = (60 + number, 48)
            folder.image(file, size)
            image = {"id": number, "file_name": name, "width": size[0], "height": size[1]}
            content["images"].append(image)
            box = {"bbox": [4, 4, 20, 20], "area": 400, "iscrowd": 0}
            content["annotations"].append(
                {"id": number, "image_id": number, "category_id": 1, **box}
            )
        folder.write("annotations/train.json", json.dumps(content))
        return folder.root

    return write


def found(root) -> list[str]:
    """The images of the train split, relative to `root`, whose sizes fit."""
    data = find_detection_data(root)
    assert check_detection_data(data) == []
    split = data.splits["train"]
    assert split.ann_file is None
    return [
        (split.image_dir / image["file_name"]).relative_to(root).as_posix()
        for image in split.content["images"]
    ]


@pytest.mark.parametrize(
    "form",
    [
        *("images\\{}", "images\\1/{}", "..\\..\\label-studio\\media\\upload\\4\\{}"),
        *("/data/local-files/?d=photos/{}", "/data/someone/photos/{}", "D:\\photos\\{}"),
        *("/data/upload/1/{}", "/data/upload/1/0a1b2c3d-{}", "C:/Users/x/{}", "file:///tmp/{}"),
        *("https://host.example/bucket/{}?token=abc#x", "./photos/{}", "../photos/{}"),
        *("\\\\server\\share\\{}", "/data/someone/sub/{}", "photos%2F{}", "2/{}"),
    ],
)
def test_paths_of_other_machines(named, form):
    names = ["a.jpg", "b.jpg", "c.jpg"]
    files = [f"images/{name}" for name in names]
    assert found(named(files, [form.format(name) for name in names])) == files


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("DSC_1.JPG", "DSC_1.jpg"),
        ("dsc_1.jpg", "DSC_1.JPG"),
        ("my image.jpg", "my%20image.jpg"),
        ("caf\u00e9.jpg", unicodedata.normalize("NFD", "caf\u00e9.jpg")),
        (unicodedata.normalize("NFD", "caf\u00e9.jpg"), "caf\u00e9.jpg"),
        ("caf\u00e9.jpg", "caf%C3%A9.jpg"),
        ("sub/Day1/a.jpg", "Sub\\day1\\a.jpg"),
    ],
)
def test_other_spellings(named, file, name):
    root = named([f"images/{file}", "images/other.jpg"], [name, "other.jpg"])
    assert found(root) == [f"images/{file}", "images/other.jpg"]
    note = f"train: images found under another name: 1, first {name!r} is {file}"
    assert any(note in line for line in find_detection_data(root).notes)


def test_a_file_that_is_named_exactly_goes_before_other_spellings(named):
    files = ["images/a%20b.jpg", "images/a b.jpg", "images/A.JPG", "images/a.jpg", "images/x.jpg"]
    names = ["a%20b.jpg", "a b.jpg", "A.JPG", "a.jpg", "X.jpg"]
    assert found(named(files, names)) == files


def test_the_end_of_the_path_decides_between_equal_names(named):
    files = ["images/day/1.jpg", "images/night/1.jpg"]
    root = named(files, ["/data/x/day/1.jpg", "D:\\data\\night\\1.jpg"])
    assert found(root) == files


def test_two_files_for_a_name_are_refused_with_both(named, folder, refusal):
    files = ["images/x/1.jpg", "images/other.jpg", "images/another.jpg"]
    root = named(files, ["/data/x/photos/1.jpg", "other.jpg", "another.jpg"])
    folder.image("images/y/1.jpg")
    message = refusal(find_detection_data, root)
    assert "train.json: images[0]: file_name '/data/x/photos/1.jpg' may be " in message
    assert f"{root}/images/x/1.jpg or {root}/images/y/1.jpg; write the path" in message
    content = find_detection_data(root, spoilt=True).splits["train"].content
    names = [image["file_name"] for image in content["images"]]
    assert names == ["other.jpg", "another.jpg"]
    assert [record["image_id"] for record in content["annotations"]] == [2, 3]


def test_one_file_for_two_names_is_refused(named, folder, refusal):
    root = named(["images/1.jpg", "images/other.jpg"], ["/a/1.jpg", "other.jpg"])
    content = json.loads((root / "annotations/train.json").read_text())
    content["images"].append({**content["images"][0], "id": 9, "file_name": "/b/1.jpg"})
    folder.write("annotations/train.json", json.dumps(content))
    message = refusal(find_detection_data, root)
    assert "images[2]: file_name '/b/1.jpg' as well as '/a/1.jpg' may be " in message


def test_nothing_outside_the_folder_is_taken(named, folder, refusal):
    root = named(["images/b.jpg"], ["b.jpg"])
    folder.image("../outside.jpg", (61, 48))
    folder.edit("annotations/train.json", "b.jpg", "../../outside.jpg")
    message = refusal(find_detection_data, root)
    assert "image '../../outside.jpg' is in none of the folders" in message


def test_one_name_that_leads_out_is_refused(named, folder, refusal):
    root = named(["images/a.jpg", "images/b.jpg"], ["a.jpg", "b.jpg"])
    folder.image("../outside.jpg", (62, 48))
    folder.edit("annotations/train.json", "b.jpg", "../../outside.jpg")
    message = refusal(find_detection_data, root)
    where = "images[1]: file_name '../../outside.jpg' leads out of"
    assert f"{root}/annotations/train.json: {where} {root}; put the image there" in message
    folder.edit("annotations/train.json", "../../outside.jpg", "../images/b.jpg")
    assert check_detection_data(find_detection_data(root)) == []


def test_absolute_paths_mean_the_folder_s_image_before_another(named, folder, refusal):
    root = named(["images/a.jpg", "images/b.jpg"], ["a.jpg", "b.jpg"])
    other = str(folder.image("../other/b.jpg", (62, 48)))
    folder.edit("annotations/train.json", "b.jpg", other)
    assert found(root) == ["images/a.jpg", "images/b.jpg"]
    (root / "images/b.jpg").unlink()
    message = refusal(find_detection_data, root)
    assert f"images[1]: file_name '{other}' leads out of {root}; put the image there" in message
    folder.edit(
        "annotations/train.json", '"images"', '"info": {"images": "by absolute paths"}, "images"'
    )
    data = find_detection_data(root)
    assert [i["file_name"] for i in data.splits["train"].content["images"]] == ["a.jpg", other]
    assert f"train: images outside {root}, by absolute paths: 1" in data.notes


def test_files_with_percent_signs_are_found(named):
    root = named(["images/c%20d.jpg", "images/100%.jpg"], ["c d.jpg", "100%.jpg"])
    assert found(root) == ["images/c%20d.jpg", "images/100%.jpg"]


def test_hidden_folders_are_not_looked_into(named, folder):
    root = named(["images/a.jpg"], ["D:\\a.jpg"])
    folder.image("images/.thumbnails/a.jpg")
    assert found(root) == ["images/a.jpg"]


def test_the_index_names_the_files(named, tmp_path):
    root = named(["images/a.jpg"], ["D:\\a.jpg"])
    data = find_detection_data(root)
    write_index(data, tmp_path / "index")
    (image,) = json.loads(ann_file(data, "train", tmp_path / "index").read_text())["images"]
    assert image["file_name"] == "a.jpg"


def test_an_image_that_was_converted_since_is_found_by_its_stem(named, folder, refusal):
    root = named(["images/DSC_1.JPG", "images/DSC_2.jpeg"], ["dsc_1.png", "DSC_2.png"])
    assert found(root) == ["images/DSC_1.JPG", "images/DSC_2.jpeg"]
    folder.image("images/DSC_2.bmp")
    message = refusal(find_detection_data, root)
    assert "'DSC_2.png' may be" in message and "DSC_2.jpeg" in message and "DSC_2.bmp" in message
