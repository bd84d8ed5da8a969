"""Colours of classes."""

import colorsys
from collections.abc import Mapping


def make_palette(classes: int) -> list[tuple[int, ...]]:
    """A colour for every class, (R, G, B) in 0..255: mmdet's own end at 80."""
    colours = [colorsys.hsv_to_rgb(index / classes, 0.85, 0.85) for index in range(classes)]
    return [tuple(round(255 * channel) for channel in colour) for colour in colours]


def with_palette(metainfo: Mapping) -> dict:
    """A dataset's metainfo, its palette with a colour for every class.

    mmdet's data sets of other classes than COCO's keep COCO's 80 colours, and its visualizer fails
    where they do not suffice.
    """
    classes, palette = metainfo.get("classes") or (), metainfo.get("palette")
    if isinstance(palette, list | tuple) and len(palette) < len(classes):
        return {**metainfo, "palette": make_palette(len(classes))}
    return dict(metainfo)
