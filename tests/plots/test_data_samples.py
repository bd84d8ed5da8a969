"""Data samples drawn at another size than their picture's."""

import numpy as np
import pytest
import torch
from mmengine.structures import BaseDataElement, InstanceData, PixelData

from msa_backbone.plots.data_samples import scaled

PICTURE = np.arange(30 * 60 * 3).reshape(30, 60, 3).astype(np.uint8)


@pytest.mark.parametrize("side", [20, 240])
@pytest.mark.parametrize("count", [0, 2])
def test_boxes_and_masks_go_with_the_picture(side, count):
    masks = torch.zeros(count, 30, 60, dtype=torch.bool)
    masks[:, 10:20, 40:60] = True
    boxes = torch.tensor([[40.0, 10, 60, 20]]).repeat(count, 1)
    sample = BaseDataElement(
        gt_instances=InstanceData(bboxes=boxes, masks=masks),
        pred_instances=InstanceData(bboxes=boxes.clone(), masks=masks.clone()),
    )
    picture, drawn = scaled(PICTURE, sample, side)
    factor = side / 60
    assert picture.shape == (side // 2, side, 3)
    for instances in (drawn.gt_instances, drawn.pred_instances):
        assert torch.allclose(instances.bboxes, boxes * factor)
        assert instances.masks.shape == (count, side // 2, side)
        if count:
            share = instances.masks[1].float().mean()
            assert share == pytest.approx(200 / 1800, abs=0.03)
    assert torch.equal(sample.gt_instances.bboxes, boxes)  # the given one stays


def test_labels_of_pixels_stay_labels():
    labels = torch.randint(0, 200, (1, 30, 60))
    sample = BaseDataElement(
        gt_sem_seg=PixelData(data=labels),
        pred_sem_seg=PixelData(data=labels),
        seg_logits=PixelData(data=torch.zeros(2, 30, 60)),
    )
    _, drawn = scaled(PICTURE, sample, 120)
    for own in (drawn.gt_sem_seg, drawn.pred_sem_seg):
        assert torch.equal(own.data, labels.repeat_interleave(2, 1).repeat_interleave(2, 2))
    assert "seg_logits" not in drawn and "seg_logits" in sample


def test_what_mmdet_packs_is_scaled():
    """Bitmaps, polygons and a panoptic map."""
    pytest.importorskip("mmdet")
    from mmdet.structures import DetDataSample
    from mmdet.structures.mask import BitmapMasks, PolygonMasks

    bitmap = np.zeros((1, 30, 60), np.uint8)
    bitmap[:, 10:20, 40:60] = 1
    corners = [np.array([40.0, 10, 60, 10, 60, 20, 40, 20])]
    map_ = torch.where(torch.from_numpy(bitmap) > 0, 7003, 133).int()
    for masks in (BitmapMasks(bitmap, 30, 60), PolygonMasks([corners], 30, 60)):
        sample = DetDataSample(gt_instances=InstanceData(masks=masks))
        sample.gt_panoptic_seg = PixelData(sem_seg=map_)
        _, drawn = scaled(PICTURE, sample, 120)
        expected = torch.from_numpy(bitmap).repeat_interleave(2, 1).repeat_interleave(2, 2)
        assert torch.equal(drawn.gt_instances.masks, expected.bool())
        assert torch.equal(
            drawn.gt_panoptic_seg.sem_seg, torch.where(expected > 0, 7003, 133).int()
        )
