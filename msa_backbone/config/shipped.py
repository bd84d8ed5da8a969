"""The project's configs by name, from a clone or from an installed package.

In a clone they lie in `configs/`, and `msa_backbone/configs` is a link to that folder. An installed
package holds the files themselves in its place.
"""

from difflib import get_close_matches
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def shipped_folder(name: str) -> Path:
    """A folder of the clone, such as 'configs', wherever the package is installed."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name  # a clone without links


def find_config(name: str) -> str:
    """The file of a config.

    Args:
        name: a file; or one of the project's configs, with or without its folder and `.py`, such as
            'detection/faster-rcnn_msa-vgg16_fpn_1xb1-2e_demo', which may leave out 'detection/'.

    Raises:
        ValueError: for neither, with the names that come closest.
    """
    if Path(name).exists():
        return name
    folder = shipped_folder("configs")
    known = {
        path.relative_to(folder).with_suffix("").as_posix(): path
        for path in sorted(folder.glob("**/*.py"))
        if "_base_" not in path.parts
    }
    wanted = name.removesuffix(".py").removeprefix("configs/")
    fits = [key for key in known if key == wanted or key.endswith(f"/{wanted}")]
    if len(fits) == 1:
        return str(known[fits[0]])
    if fits:
        raise ValueError(f"config {name} may be {' or '.join(fits)}: name one of them")
    stems = {key.rpartition("/")[2]: key for key in known}
    close = get_close_matches(wanted.rpartition("/")[2], stems, n=3)
    hint = f"; close are {', '.join(stems[stem] for stem in close)}" if close else ""
    raise ValueError(f"config {name}: no such file, and no config of this project{hint}")
