"""Label Studio's JSON and JSON-MIN: percents, turned rectangles, foreign paths, refusals."""

import json

import pytest

from msa_backbone.data.detection.check import check_detection_data
from msa_backbone.data.detection.find import find_detection_data

RECTANGLE = {"x": 6.25, "y": 12.5, "width": 31.25, "height": 37.5, "rotation": 0}
RECTANGLE |= {"rectanglelabels": ["cat"]}


def result(value: dict, kind: str = "rectanglelabels") -> dict:
    size = {"original_width": 64, "original_height": 48}
    return {"type": kind, "from_name": "label", "to_name": "image", **size, "value": value}


def task(results: list[dict], image: str = "/data/upload/1/90fb0d1c-a.jpg", **fields) -> dict:
    annotations = [{"id": 1, "was_cancelled": False, "result": results}]
    return {"id": 7, "data": {"image": image}, "annotations": annotations, **fields}


@pytest.fixture
def export(folder):
    """Writes the tasks as Label Studio names its export, and an image."""

    def write(*tasks: dict) -> None:
        folder.image("images/90fb0d1c-a.jpg")
        folder.write("project-1-at-2024-05-01.json", json.dumps(tasks))

    return write


def only_object(folder):
    data = find_detection_data(folder.root)
    assert data.format == "label-studio" and check_detection_data(data) == []
    (record,) = data.splits["train"].content["annotations"]
    return record


@pytest.mark.parametrize(
    "image",
    [
        "/data/upload/1/90fb0d1c-a.jpg",
        "/data/local-files/?d=photos/90fb0d1c-a.jpg",
        "https://studio.example/data/upload/1/90fb0d1c-a.jpg",
        "images\\1\\90fb0d1c-a.jpg",
        "images/90fb0d1c-a.jpg",
    ],
)
def test_rectangles_in_percent_and_foreign_paths(folder, export, image):
    export(task([result(RECTANGLE)], image))
    record = only_object(folder)
    assert record["bbox"] == [4, 6, 20, 18] and "segmentation" not in record


def test_the_image_by_another_key(folder, export, refusal):
    data = {"img_url": "https://studio.example/data/90fb0d1c-a.jpg", "note": "of June.jpg"}
    export({**task([result(RECTANGLE)]), "data": {**data, "note": "of June"}})
    assert only_object(folder)["bbox"] == [4, 6, 20, 18]
    export({**task([result(RECTANGLE)]), "data": data})  # two that may be
    assert "has no 'image' or no list of results" in refusal(find_detection_data, folder.root)


def test_the_short_form(folder, export):
    short = {"image": "/data/upload/1/90fb0d1c-a.jpg", "id": 7, "annotator": 1}
    export({**short, "label": [{**RECTANGLE, "original_width": 64, "original_height": 48}]})
    assert only_object(folder)["bbox"] == [4, 6, 20, 18]


def test_a_turned_rectangle_and_a_polygon(folder, export):
    export(task([result({**RECTANGLE, "x": 50, "rotation": 90})]))
    record = only_object(folder)  # around its left top corner (32, 6), clockwise
    assert record["bbox"] == pytest.approx([14, 6, 18, 20])
    polygon = {"points": [[25, 25], [75, 25], [75, 75]], "polygonlabels": ["cat"]}
    export(task([result(polygon, "polygonlabels")]))
    record = only_object(folder)
    assert record["segmentation"] == [[16, 12, 48, 12, 48, 36]]
    assert record["bbox"] == [16, 12, 32, 24] and record["area"] == 384


def test_other_results_are_left_out_with_their_count(folder, export):
    export(task([result(RECTANGLE), result({"choices": ["sharp"]}, "choices")]))
    data = find_detection_data(folder.root)
    assert "left out: 1 results of type 'choices'" in data.notes


def test_cancelled_annotations_do_not_count(folder, export):
    whole = task([result(RECTANGLE)])
    whole["annotations"].append({"id": 2, "was_cancelled": True, "result": [result(RECTANGLE)]})
    export(whole)
    only_object(folder)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (task([result({**RECTANGLE, "x": "1"})]), "task 7: result 0: its numbers are no shape"),
        (task([result({**RECTANGLE, "rectanglelabels": ["a", "b"]})]), "has not one label but"),
        (task([], image=None), "task 7: has no 'image'"),
        (
            task([result({"rle": [1]}, "brushlabels")]),
            "without rectangles or polygons ('brushlabels')",
        ),
        (
            {**task([]), "annotations": 2 * task([result(RECTANGLE)])["annotations"]},
            "task 7: has 2 annotations; keep one for each image",
        ),
    ],
)
def test_what_is_not_understood_is_refused(folder, export, refusal, broken, message):
    export(broken)
    assert message in refusal(find_detection_data, folder.root)


def test_two_tasks_of_an_image_are_refused(folder, export, refusal):
    export(task([result(RECTANGLE)]), task([result(RECTANGLE)], id=8))
    assert "task 8: a second task of" in refusal(find_detection_data, folder.root)


def test_tasks_that_nobody_has_done_are_no_backgrounds(folder, export, refusal):
    def other(name: str, annotations: list) -> dict:
        folder.image(f"images/{name}.jpg")
        return {"id": name, "data": {"image": f"{name}.jpg"}, "annotations": annotations}

    skipped = {"id": 2, "was_cancelled": True, "result": []}
    empty = {"id": 3, "was_cancelled": False, "result": []}  # looked at: a background
    undone = [other("waiting", []), other("skipped", [skipped])]
    export(task([result(RECTANGLE)]), *undone, other("empty", [empty]))
    data = find_detection_data(folder.root)
    names = [image["file_name"] for image in data.splits["train"].content["images"]]
    assert names == ["90fb0d1c-a.jpg", "empty.jpg"]
    assert "left aside: 2 tasks without an annotation, or skipped" in data.notes
    export(*undone)
    assert "no task has been annotated" in refusal(find_detection_data, folder.root)


def test_tasks_that_cannot_be_understood_are_lines_of_the_check(folder, export):
    for name in ("b/x.jpg", "c/x.jpg"):
        folder.image(name)
    whole = [result(RECTANGLE)]
    export(task(whole), task(whole, "x.jpg", id=8), task(whole, None, id=9), task(whole, id=10))
    split = find_detection_data(folder.root, spoilt=True).splits["train"]
    assert [image["file_name"] for image in split.content["images"]] == ["90fb0d1c-a.jpg"]
    assert len(split.content["annotations"]) == 1
    ambiguous, nameless, second = split.unread
    assert "image 'x.jpg' may be" in ambiguous
    assert "task 9: has no 'image'" in nameless and "task 10: a second task of" in second
