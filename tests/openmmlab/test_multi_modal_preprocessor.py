import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import MODELS

import msa_backbone  # noqa: F401  (registers)
from msa_backbone.openmmlab.multi_modal_preprocessor import MultiModalPreprocessor

VISIBLE = {
    "name": "visible",
    "channels": 3,
    "mean": [123.675, 116.28, 103.53],
    "std": [58.395, 57.12, 57.375],
    "bgr_to_rgb": True,
}
INFRARED = {"name": "infrared", "channels": 1, "mean": 90.0, "std": 40.0}
DEPTH = {"name": "depth", "channels": 1, "mean": 3000.0, "std": 1500.0, "unknown": True}
THEN = {"type": "ImgDataPreprocessor", "pad_size_divisor": 8}
RNG = np.random.default_rng(0)


def preprocessor(*modalities: dict, **options) -> MultiModalPreprocessor:
    then = options.pop("then", THEN)
    return MODELS.build(
        {"type": "MultiModalPreprocessor", "modalities": modalities, "then": then, **options}
    )


def picture(channels: int, height: int = 8, width: int = 16, largest: int = 256) -> torch.Tensor:
    return torch.from_numpy(RNG.integers(1, largest, (channels, height, width)).astype(np.float32))


def test_each_channel_by_the_formula():
    """In numpy: B, G, R, infrared become R, G, B, infrared, then (v - mean) / std."""
    x = picture(4).to(torch.uint8)
    out = preprocessor(VISIBLE, INFRARED)({"inputs": [x]})["inputs"]
    v = x.numpy().astype(np.float64)
    expected = np.stack(
        [
            (v[2] - 123.675) / 58.395,
            (v[1] - 116.28) / 57.12,
            (v[0] - 103.53) / 57.375,
            (v[3] - 90) / 40,
        ]
    )
    assert out.dtype == torch.float32 and out.shape == (1, 4, 8, 16)
    np.testing.assert_allclose(out[0].numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("batched", [False, True])
def test_only_leaves_the_other_cameras_channels_out(batched):
    inputs = [picture(4), picture(4)]
    inputs = torch.stack(inputs) if batched else inputs
    both = preprocessor(VISIBLE, INFRARED)({"inputs": inputs})["inputs"]
    for name, channels in (("visible", slice(0, 3)), ("infrared", slice(3, 4))):
        alone = preprocessor(VISIBLE, INFRARED, only=[name])({"inputs": inputs})["inputs"]
        assert torch.equal(alone, both[:, channels])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"only": ["thermal"]}, "'thermal' is unknown: choose from visible, infrared"),
        ({"only": ["visible"], "dropout": {"absent": 0.1}}, "remove it or only"),
    ],
)
def test_only_that_does_not_fit(options, match):
    with pytest.raises(ValueError, match=match):
        preprocessor(VISIBLE, INFRARED, **options)


@pytest.mark.parametrize("batched", [False, True])
def test_one_camera_is_what_mmengine_makes_of_it(batched):
    inputs = [picture(3), picture(3)]
    inputs = torch.stack(inputs) if batched else inputs
    mmengine = MODELS.build(
        {**THEN, "mean": VISIBLE["mean"], "std": VISIBLE["std"], "bgr_to_rgb": True}
    )
    expected = mmengine({"inputs": inputs})["inputs"]
    assert torch.equal(preprocessor(VISIBLE)({"inputs": inputs})["inputs"], expected)


def test_without_mean_and_std_the_values_stay():
    x = picture(2, largest=2**16)
    out = preprocessor({"name": "a", "channels": 2})({"inputs": [x]})["inputs"]
    assert torch.equal(out[0], x)


def test_pictures_of_two_sizes_are_padded_with_zeros():
    small, large = picture(4, 5, 7), picture(4, 11, 9)
    out = preprocessor(VISIBLE, INFRARED)({"inputs": [small, large]})["inputs"]
    assert out.shape == (2, 4, 16, 16)
    assert not out[0, :, 5:].any() and not out[0, :, :, 7:].any() and out[0, :, :5, :7].any()


def test_sixteen_bits_of_depth_and_its_unknown_places():
    depth = picture(1, largest=2**16)
    known = torch.from_numpy(RNG.random((1, 8, 16)) < 0.7).float()
    stack = torch.cat([picture(3), depth * known, known])
    out = preprocessor(VISIBLE, {**DEPTH, "mean": 0.0, "std": 1.0})({"inputs": [stack]})["inputs"]
    assert out.shape[1] == 4
    assert torch.equal(out[0, 3], (depth * known)[0])
    out = preprocessor(VISIBLE, DEPTH)({"inputs": [stack]})["inputs"]
    expected = torch.where(known > 0, (depth - 3000) / 1500, 0)
    torch.testing.assert_close(out[0, 3], expected[0])


def test_resizing_invents_no_depth():
    """A plane of 3000 with holes: bilinear resizing, then 3000 or unknown, nothing between."""
    known = (RNG.random((32, 48, 1)) < 0.8).astype(np.float32)
    stack = np.concatenate([3000 * known, known], axis=2)
    inventing = preprocessor({**DEPTH, "unknown": False, "mean": 0.0, "std": 1.0})
    keeping = preprocessor({**DEPTH, "mean": 0.0, "std": 1.0})
    for size in ((70, 41), (31, 20)):
        x = torch.from_numpy(cv2.resize(stack, size)).permute(2, 0, 1)
        out = keeping({"inputs": [x]})["inputs"]
        of_known = out[out != 0]
        torch.testing.assert_close(of_known, torch.full_like(of_known, 3000))
        share = len(of_known) / (size[0] * size[1])
        assert share == pytest.approx(0.85, abs=0.1)
        bilinear = inventing({"inputs": [x[:1]]})["inputs"]
        assert ((bilinear > 100) & (bilinear < 2900)).float().mean() > 0.1


def test_fill_values_are_unknown():
    """Rotate of mmdet fills with 128, Mosaic with 114: in the mask, too."""
    stack = torch.cat([torch.full((1, 8, 16), 114.0), torch.full((1, 8, 16), 114.0)])
    assert not preprocessor(DEPTH)({"inputs": [stack]})["inputs"].any()


def test_absent_and_black():
    x = picture(4)
    normal = preprocessor(VISIBLE, INFRARED)({"inputs": [x]})["inputs"]
    absent = preprocessor(VISIBLE, INFRARED, absent=["visible"])({"inputs": [x]})["inputs"]
    assert not absent[:, :3].any() and torch.equal(absent[:, 3:], normal[:, 3:])
    black = preprocessor(VISIBLE, INFRARED, black=["infrared"])({"inputs": [x]})["inputs"]
    assert torch.equal(black[:, :3], normal[:, :3])
    torch.testing.assert_close(black[:, 3], torch.full_like(black[:, 3], -90 / 40))
    dark = preprocessor(VISIBLE, INFRARED)({"inputs": [torch.zeros(4, 8, 16)]})["inputs"]
    assert torch.equal(black[:, 3], dark[:, 3])
    depth = torch.cat([x, picture(1), torch.ones(1, 8, 16)])
    out = preprocessor(VISIBLE, INFRARED, DEPTH, black=["depth"])({"inputs": [depth]})["inputs"]
    assert not out[:, 4].any() and torch.equal(out[:, :4], normal)


def test_dropout_is_drawn_in_training_alone():
    torch.manual_seed(0)
    inputs = [picture(4) for _ in range(64)]
    plain = preprocessor(VISIBLE, INFRARED)({"inputs": inputs})["inputs"]
    black = torch.cat([-torch.tensor([[*VISIBLE["mean"]]]) / torch.tensor([[*VISIBLE["std"]]])])
    step = preprocessor(VISIBLE, INFRARED, dropout={"absent": 0.3, "black": 0.3})
    assert torch.equal(step({"inputs": inputs})["inputs"], plain)
    out = step({"inputs": inputs}, training=True)["inputs"]
    kinds = []
    for picture_, given in zip(out, plain, strict=True):
        for camera, blackened, before in (
            (picture_[:3], black[0], given[:3]),
            (picture_[3:], torch.tensor([-90 / 40]), given[3:]),
        ):
            if not camera.any():
                kinds.append("absent")
            elif torch.equal(camera, before):
                kinds.append("present")
            else:
                torch.testing.assert_close(camera, blackened[:, None, None].expand_as(camera))
                kinds.append("black")
    for first, second in zip(kinds[::2], kinds[1::2], strict=True):
        assert "present" in (first, second)
    assert {"absent", "black", "present"} == set(kinds[::2]) == set(kinds[1::2])


def test_the_backbone_takes_absent_for_absent_and_black_for_a_picture():
    backbone = MODELS.build(
        {
            "type": "MultiModalMSAVGG",
            "in_channels": (3, 1),
            "base_channels": 4,
            "num_stages": 2,
            "attention_positions": (4, 9),
            "fusion": {"type": "MultiModalAttention", "reduction_ratio": 4},
            "zero_init": False,
        }
    ).eval()
    x = [picture(4)]
    absent = preprocessor(VISIBLE, INFRARED, absent=["infrared"])({"inputs": x})["inputs"]
    black = preprocessor(VISIBLE, INFRARED, black=["infrared"])({"inputs": x})["inputs"]
    with torch.no_grad():
        seen = preprocessor(VISIBLE, INFRARED)({"inputs": x})["inputs"]
        flagged = backbone(seen, present=torch.tensor([[True, False]]))
        for a, b, c in zip(backbone(absent), flagged, backbone(black), strict=True):
            assert torch.equal(a, b) and not torch.allclose(a, c)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"absent": ["depth"]}, "'depth' is unknown: choose from visible, infrared"),
        ({"black": ["depth"]}, "'depth' is unknown"),
        ({"absent": ["visible"], "black": ["visible"]}, "'visible' is both"),
        ({"absent": ["visible", "infrared"]}, "all modalities are absent"),
        ({"then": {**THEN, "mean": [1], "std": [1]}}, "belong to the modalities"),
        ({"then": {**THEN, "bgr_to_rgb": True}}, "belong to the modalities"),
        ({"then": {**THEN, "pad_value": 114}}, "padding other than 0 would be taken for the pic"),
    ],
)
def test_options_that_do_not_fit(options, match):
    with pytest.raises(ValueError, match=match):
        preprocessor(VISIBLE, INFRARED, **options)


@pytest.mark.parametrize("options", [{"black": ["raw"]}, {"dropout": {"black": 0.1}}])
def test_black_that_would_be_absent_is_refused(options):
    with pytest.raises(ValueError, match="raw: with mean 0 a black picture is zeros"):
        preprocessor(VISIBLE, {"name": "raw", "channels": 1}, **options)


def test_other_numbers_of_channels_are_refused():
    """mmdet's PhotoMetricDistortion makes three channels of four, for one."""
    with pytest.raises(ValueError, match=r"3 channels does not fit .* OnModality"):
        preprocessor(VISIBLE, INFRARED)({"inputs": [picture(3)]})


def test_mixing_batches_is_refused_with_unknown_places():
    pytest.importorskip("mmdet.models")
    resize = {"type": "mmdet.BatchSyncRandomResize", "random_size_range": (32, 64)}
    then = {"type": "mmdet.DetDataPreprocessor", "batch_augments": [resize]}
    preprocessor(VISIBLE, INFRARED, then=then)
    with pytest.raises(ValueError, match="batch_augments mix unknown places"):
        preprocessor(VISIBLE, DEPTH, then=then)


def test_boxes_and_masks_go_on_to_mmdet():
    """As without infrared, by mmdet's own preprocessor."""
    pytest.importorskip("mmdet.models")
    from mmdet.structures import DetDataSample
    from mmdet.structures.bbox import HorizontalBoxes
    from mmdet.structures.mask import BitmapMasks
    from mmengine.structures import InstanceData

    def samples() -> list[DetDataSample]:
        found = InstanceData(
            bboxes=HorizontalBoxes(torch.tensor([[1.0, 2, 3, 4]])),
            masks=BitmapMasks(np.ones((1, 5, 7), np.uint8), 5, 7),
        )
        return [DetDataSample(gt_instances=found, metainfo={"img_shape": (5, 7)})]

    then = {"type": "mmdet.DetDataPreprocessor", "pad_size_divisor": 16, "pad_mask": True}
    x = picture(4, 5, 7)
    out = preprocessor(VISIBLE, INFRARED, then=then)(
        {"inputs": [x], "data_samples": samples()}, training=True
    )
    colours = {"mean": VISIBLE["mean"], "std": VISIBLE["std"], "bgr_to_rgb": True}
    expected = MODELS.build({**then, **colours})(
        {"inputs": [x[:3]], "data_samples": samples()}, training=True
    )
    assert torch.equal(out["inputs"][:, :3], expected["inputs"])
    (sample,), (wanted,) = out["data_samples"], expected["data_samples"]
    assert sample.metainfo == wanted.metainfo and sample.batch_input_shape == (16, 16)
    assert torch.equal(sample.gt_instances.bboxes, wanted.gt_instances.bboxes)
    assert sample.gt_instances.masks.masks.shape == (1, 16, 16)


def test_label_maps_go_on_to_mmseg():
    pytest.importorskip("mmseg.models")
    from mmengine.structures import PixelData
    from mmseg.structures import SegDataSample

    then = {"type": "mmseg.SegDataPreProcessor", "size": (12, 16), "seg_pad_val": 7}
    labels = PixelData(data=torch.ones(1, 5, 7, dtype=torch.long))
    out = preprocessor(VISIBLE, INFRARED, then=then)(
        {"inputs": [picture(4, 5, 7)], "data_samples": [SegDataSample(gt_sem_seg=labels)]}, True
    )
    assert out["inputs"].shape == (1, 4, 12, 16)
    padded = out["data_samples"][0].gt_sem_seg.data[0]
    assert (padded[:5, :7] == 1).all() and (padded[5:] == 7).all() and (padded[:, 7:] == 7).all()


def test_the_toolbox_gets_the_same_device():
    step = preprocessor(VISIBLE, INFRARED).to("meta")
    out = step({"inputs": [picture(4)]})["inputs"]
    assert out.device.type == "meta" and step.then.device.type == "meta"
