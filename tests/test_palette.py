"""Colours of classes."""

from msa_backbone.palette import make_palette, with_palette


def test_every_class_has_a_colour_of_its_own():
    colours = make_palette(100)
    assert len(set(colours)) == 100
    assert all(0 <= channel <= 255 for colour in colours for channel in colour)


def test_a_palette_that_is_too_short_is_made_anew():
    """mmdet's CocoDataset keeps COCO's 80 colours for any classes."""
    classes, coco = [f"class {i}" for i in range(100)], [(i, i, i) for i in range(80)]
    meta = {"classes": classes, "palette": coco, "dataset_type": "x"}
    assert with_palette(meta) == {**meta, "palette": make_palette(100)}
    for kept in ({"classes": classes[:80], "palette": coco}, {"palette": coco}, {}):
        assert with_palette(kept) == kept
    assert with_palette({"classes": classes, "palette": "coco"})["palette"] == "coco"
