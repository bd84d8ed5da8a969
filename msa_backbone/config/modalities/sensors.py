"""Cameras that are switched off for a test: what is the model worth without them?

A camera fails in two ways. It sends nothing, which the model is told, or it sends black pictures,
of which it is told nothing; see `MultiModalPreprocessor`.
"""

from collections.abc import Sequence

from mmengine.config import Config

from ...config_nodes import LOADERS, find_nodes
from ...files.modality import modalities_of


def switch_sensors(
    cfg: Config, sensors: Sequence[str] | None = None, black: Sequence[str] = ()
) -> list[str]:
    """Leave only some of the modalities on; the files of the others are not read.

    Args:
        cfg: changed in place.
        sensors: names of the modalities that are on; None for those that the config has on. The
            others are absent.
        black: names of modalities that are on and send black pictures.

    Returns:
        A line for the user; none where nothing is switched.

    Raises:
        ValueError: for unknown names, and for a config of one camera.
    """
    if sensors is None and not black:
        return []
    preprocessors = find_nodes(cfg.model, "MultiModalPreprocessor")
    if not preprocessors:
        raise ValueError(
            "--sensors and --black serve configs of several modalities (MultiModalPreprocessor), "
            "and this one has a single camera"
        )
    preprocessor = preprocessors[0]
    names = [modality.name for modality in modalities_of(preprocessor["modalities"])]
    off = preprocessor.get("absent", ()) if sensors is None else set(names).difference(sensors)
    on = [name for name in names if name not in off]
    for option, given in (("--sensors", sensors or ()), ("--black", black)):
        if wrong := [name for name in given if name not in names]:
            raise ValueError(f"{option} {wrong[0]}: choose from {', '.join(names)}")
    if dark := [name for name in black if name not in on]:
        raise ValueError(f"--black {dark[0]}: name it in --sensors too, it sends pictures")
    if preprocessor.get("only"):
        raise ValueError(
            f"--sensors: the model was trained on {', '.join(preprocessor['only'])} alone "
            "(data_preprocessor.only): nothing can be switched off"
        )
    absent = [name for name in names if name not in on]
    preprocessor.update(absent=absent, black=list(black))
    pipelines = [cfg.get(loader) for loader in LOADERS]
    for step in find_nodes([*pipelines, cfg.get("tta_pipeline")], "LoadModalities"):
        step["absent"] = absent
    states = {**dict.fromkeys(on, "on"), **dict.fromkeys(black, "black")}
    states |= dict.fromkeys(absent, "absent")
    return [f"Sensors: {', '.join(f'{name} {states[name]}' for name in names)}"]
