"""Labels of boxes: readable, inside of the picture, near their boxes."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData

pytest.importorskip("mmdet")
from mmdet.structures import DetDataSample
from mmdet.visualization import DetLocalVisualizer

from msa_backbone.plots.data_samples import draw_sample
from msa_backbone.plots.label_placement import labels_apart, middle_of_widest_row

CLASSES = ("platelets", "red blood cell", "white blood cell")


class Seen(DetLocalVisualizer):
    """Notes where the labels are, (left, top, right, bottom) in pixels, whenever it draws."""

    def get_image(self) -> np.ndarray:
        picture = super().get_image()
        self.labels, self.hidden = [], 0
        for text in self.ax_save.texts:
            if not text.get_visible():
                self.hidden += 1
                continue
            box = text.get_bbox_patch().get_window_extent()  # with the background
            self.labels.append((box.x0, len(picture) - box.y1, box.x1, len(picture) - box.y0))
        self.shown = [*getattr(self, "shown", []), self.labels]
        return picture


def drawn(boxes: list, tmp_path: Path, with_masks: bool = False) -> tuple[Seen, np.ndarray]:
    found = InstanceData(
        bboxes=torch.tensor(boxes, dtype=torch.float).view(-1, 4),
        labels=torch.arange(len(boxes)) % 3,
        scores=torch.linspace(0.9, 0.5, len(boxes)),
    )
    if with_masks:
        found.masks = torch.zeros(len(boxes), 300, 400, dtype=torch.bool)
        found.masks[:, 50:90, 60:99] = True
    visualizer = Seen()
    visualizer.dataset_meta = {"classes": CLASSES, "palette": [(200, 0, 0), (0, 200, 0), (0, 0, 9)]}
    sample = DetDataSample(pred_instances=found)
    scratch, options = tmp_path / "drawn.png", {"draw_gt": False, "pred_score_thr": 0.0}
    picture = np.full((300, 400, 3), 128, np.uint8)
    return visualizer, draw_sample(visualizer, picture, sample, scratch, **options)


def overlap(a: tuple, b: tuple) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1


@pytest.mark.parametrize("with_masks", [False, True])
def test_labels_of_boxes_that_lie_close_do_not_cover_each_other(with_masks, tmp_path):
    boxes = [[40 + 3 * i, 60 + 4 * i, 200 + 5 * i, 220 + 3 * i] for i in range(6)]
    visualizer, _ = drawn([*boxes, [250, 150, 390, 290]], tmp_path, with_masks)
    assert len(visualizer.labels) == 7 and visualizer.hidden == 0
    assert not any(overlap(*pair) for pair in itertools.combinations(visualizer.labels, 2))
    left, top = visualizer.labels[0][:2]  # the first one and the one alone stay at their corners
    assert abs(left - 43) < 3 and abs(top - 63) < 3
    left, top = visualizer.labels[-1][:2]
    assert abs(left - 253) < 3 and abs(top - 153) < 3
    # A picture that was taken half-way, for the masks, has them where the last one has.
    assert all(np.allclose(labels, visualizer.labels) for labels in visualizer.shown if labels)


def test_labels_stay_inside_the_picture(tmp_path):
    visualizer, _ = drawn([[350, 280, 399, 299], [0, 0, 30, 20], [370, 0, 399, 90]], tmp_path)
    assert len(visualizer.labels) == 3
    for left, top, right, bottom in visualizer.labels:
        assert left >= -1 and top >= -1 and right <= 401 and bottom <= 301


def test_a_label_without_a_free_place_is_left_away(tmp_path):
    visualizer, picture = drawn([[100, 100, 300, 250]] * 40, tmp_path)
    assert 5 <= len(visualizer.labels) < 40 and visualizer.hidden == 40 - len(visualizer.labels)
    assert not any(overlap(*pair) for pair in itertools.combinations(visualizer.labels, 2))
    assert picture.shape == (300, 400, 3) and (picture < 60).all(axis=2).sum() > 1000
    again, _ = drawn([[10, 10, 300, 250]], tmp_path)
    assert again.hidden == 0 and "get_image" not in vars(again)


def test_a_box_that_reaches_out_of_the_picture_leaves_no_white_border(tmp_path):
    _, picture = drawn([[-30, 100, 420, 310]], tmp_path)
    assert picture.shape == (300, 400, 3)
    border = np.concatenate([picture[[0, -1]].reshape(-1, 3), picture[:, [0, -1]].reshape(-1, 3)])
    assert (border < 250).all()
    assert (picture[50] == 128).all()


def test_names_of_areas_are_where_mmseg_writes_them():
    visualization = pytest.importorskip("mmseg.visualization")
    visualizer = visualization.SegLocalVisualizer()
    mmsegs = visualizer._get_center_loc
    with labels_apart(visualizer):
        assert visualizer._get_center_loc is middle_of_widest_row
    assert visualizer._get_center_loc == mmsegs
    rng = np.random.default_rng(0)
    for share in (0.01, 0.3, 0.9, 1.0):
        mask = (rng.random((13, 17)) < share).astype(np.uint8)
        mask[5, 3] = 1
        assert middle_of_widest_row(mask).tolist() == mmsegs(mask).tolist()
