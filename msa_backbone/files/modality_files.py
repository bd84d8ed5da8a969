"""The files of several cameras: which belong together, and what they hold.

OpenMMLab's datasets list one image file for each scene. The files of the other cameras are found
from its path: the same file name, but for the suffix, in a folder of the camera's own. A file that
is not there, or does not fit, is an error: a network that is shown another scene, or a shifted one,
trains on without a word.

Files are read at their full depth. A depth of 10,000 mm, as 16-bit PNG hold it, is 39 in 8 bits.
Three channels of a `.npy` are red, green and blue, as in image files.
"""

import glob
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from ..errors import DataError
from .images import IMAGE_SUFFIXES, decoded
from .modality import Modality

MODALITY_SUFFIXES = (*IMAGE_SUFFIXES, ".npy")
_AT_FULL_DEPTH = cv2.IMREAD_ANYDEPTH | cv2.IMREAD_ANYCOLOR


def partner(path: Path, reference: Modality, modality: Modality) -> Path:
    """The file of another modality that shows what the reference's file shows.

    The reference's path is BEFORE / its folder / BELOW / stem and suffix; the partner's is
    BEFORE / the other folder / BELOW / stem and the other suffix. An absolute folder needs no
    BEFORE.

    Raises:
        DataError: if the path does not hold the reference's folder or suffix, and for no partner or
            two of them.
    """
    before, below = _around_folder(path, Path(reference.folder or reference.name))
    suffix = reference.suffix or path.suffix
    if not path.name.endswith(suffix):
        raise DataError(f"{path}: {reference.name} files end in '{suffix}'; correct the suffix")
    stem = before / (modality.folder or modality.name) / below / path.name.removesuffix(suffix)
    suffixes = (
        [modality.suffix]
        if modality.suffix
        else [form for known in MODALITY_SUFFIXES for form in (known, known.upper())]
    )
    files = [Path(f"{stem}{suffix}") for suffix in suffixes]
    # A file system that takes .png for .PNG shows one file twice.
    found = {file.stat().st_ino: file for file in reversed(files) if file.is_file()}
    if len(found) > 1:
        names = " and ".join(sorted(file.name for file in found.values()))
        raise DataError(
            f"{stem.parent}: {names} both fit {path}; remove one, or set the suffix of "
            f"{modality.name}"
        )
    if not found:
        named_alike = sorted(stem.parent.glob(f"{glob.escape(stem.name)}[!0-9a-zA-Z]*"))
        near = [file for file in named_alike if file.suffix.lower() in MODALITY_SUFFIXES]
        hint = f"if it is {near[0].name}, set the suffix of {modality.name}, else " if near else ""
        raise DataError(
            f"{path}: no {modality.name} file {stem}{modality.suffix or '.*'}; {hint}add it, or "
            "leave the scene out"
        )
    return next(iter(found.values()))


def read_modality(path: Path, modality: Modality) -> tuple[np.ndarray, np.ndarray | None]:
    """A modality's values and, where some may be unknown, which are known.

    Grey image files are repeated for a modality with three channels. Of three equal channels, as
    many infrared cameras store them, one is taken for a modality with one.

    Returns:
        values, (H, W, channels), uint8, uint16 or float32, BGR, 0 where unknown; known, (H, W, 1)
        bool, or None.

    Raises:
        DataError: for a file that cannot be read, or holds another number of channels or values
            that are no finite numbers.
    """
    return _what_is_known(_with_channels(_values(path), path, modality), path, modality)


def _what_is_known(
    values: np.ndarray, source: object, modality: Modality
) -> tuple[np.ndarray, np.ndarray | None]:
    finite = np.isfinite(values).all(axis=2, keepdims=True)
    if modality.unknown:
        known = finite & (values != 0).any(axis=2, keepdims=True)
        return np.where(known, values, values.dtype.type(0)), known
    if not finite.all():
        raise DataError(
            f"{source}: {np.count_nonzero(~finite)} values are NaN or infinite; mend them, or "
            f"set unknown=True for {modality.name}"
        )
    return values, None


def read_stack(paths: Sequence[Path | None], modalities: Sequence[Modality]) -> np.ndarray:
    """The files of one scene as one array: all channels, then what is known.

    One array makes sure that geometric transforms move all cameras alike. For each modality with
    unknown places a channel of 1 (known) and 0 follows the channels of all modalities; it is
    resized and rotated with them, and tells then how much of a value came from known places.

    Args:
        paths: None for a modality that is absent: zeros, known nowhere. One at least is there.
        modalities: of the paths.

    Returns:
        (H, W, sum of channels + modalities with unknown places): uint8 if all files hold that and
        nothing may be unknown; else float32, which holds 16 bits exactly.

    Raises:
        DataError: as `read_modality`, and for files of different sizes.
    """
    scene = list(zip(paths, modalities, strict=True))
    read = {modality.name: read_modality(path, modality) for path, modality in scene if path}
    first, *others = (path for path in paths if path)
    height, width = next(iter(read.values()))[0].shape[:2]
    for path, (values, _) in zip(others, list(read.values())[1:], strict=True):
        if values.shape[:2] != (height, width):
            raise DataError(
                f"{path}: {values.shape[1]} x {values.shape[0]} pixels, but {first} has {width} x "
                f"{height}; bring both into one frame"
            )
    return _stacked(read, modalities, (height, width))


def stack_pictures(
    pictures: Mapping[str, np.ndarray], modalities: Sequence[Modality], absent: Collection[str] = ()
) -> np.ndarray:
    """What `read_stack` makes of files, from arrays.

    Args:
        pictures: by the modalities' names, (H, W, channels) or (H, W), colours as RGB; float64 and
            integers are rounded to float32.
        absent: names of modalities that need not be there.

    Raises:
        DataError: for a picture that is missing, of another name or shape, or with values that are
            no finite numbers.
    """
    names = [modality.name for modality in modalities]
    given = {name: np.asarray(values) for name, values in pictures.items() if name not in absent}
    missing = [name for name in names if name not in (*given, *absent)]
    if missing or not given or set(given) - set(names):
        raise DataError(
            f"pictures of {', '.join(given) or 'no camera'}: the model takes {', '.join(names)}; a "
            "config whose data_preprocessor has absent=[...] does without one, an exported file too"
        )
    size = next(iter(given.values())).shape[:2]
    read = {}
    for modality in (modality for modality in modalities if modality.name in given):
        values = given[modality.name]
        values = values[..., None] if values.ndim == 2 else values
        if values.shape != (*size, modality.channels) or values.dtype.kind not in "uif":
            raise DataError(
                f"{modality.name}: an array of shape {values.shape} and type {values.dtype}; the "
                f"model takes numbers of shape {(*size, modality.channels)} here"
            )
        values = values[..., ::-1] if modality.channels == 3 else values
        if values.dtype not in (np.uint8, np.uint16):
            values = values.astype(np.float32)
        read[modality.name] = _what_is_known(values, modality.name, modality)
    return _stacked(read, modalities, size)


def _stacked(
    read: Mapping[str, tuple[np.ndarray, np.ndarray | None]],
    modalities: Sequence[Modality],
    size: tuple[int, int],
) -> np.ndarray:
    """One array of what was read of each modality; zeros, known nowhere, of the others."""
    pictures, masks = [], []
    for modality in modalities:
        nothing = np.zeros((*size, modality.channels), np.uint8)
        values, known = read.get(modality.name, (nothing, nothing[..., :1]))
        pictures.append(values)
        masks += [known] if modality.unknown else []
    eight_bits = not masks and all(values.dtype == np.uint8 for values in pictures)
    return np.concatenate([*pictures, *masks], axis=2, dtype=np.uint8 if eight_bits else np.float32)


def read_scene(
    path: Path, modalities: Sequence[Modality], absent: Collection[str] = ()
) -> np.ndarray:
    """What `read_stack` makes of the reference's file and its partners.

    Args:
        path: the reference's.
        modalities: the reference first.
        absent: names of modalities whose files are not read.
    """
    reference, *others = modalities
    paths = [None if reference.name in absent else path]
    paths += [None if o.name in absent else partner(path, reference, o) for o in others]
    return read_stack(paths, modalities)


def _around_folder(path: Path, folder: Path) -> tuple[Path, Path]:
    """What stands before and below the last place of a folder in a file's path."""
    parts, wanted = path.parent.parts, folder.parts
    for start in range(len(parts) - len(wanted), -1, -1):
        if parts[start : start + len(wanted)] == wanted:
            return Path(*parts[:start]), Path(*parts[start + len(wanted) :])
    raise DataError(
        f"{path}: lies in no folder '{folder}'; set the folder of the first modality to the one "
        "that the data set's images are in"
    )


def _values(path: Path) -> np.ndarray:
    """What a file holds, (H, W, C), in its own depth, or float32 where numpy's is another."""
    if path.suffix.lower() != ".npy":
        values = decoded(path, _AT_FULL_DEPTH)
    else:
        try:
            values = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{path}: unreadable array ({error}); replace the file") from error
        values = values[..., ::-1] if values.ndim == 3 and values.shape[2] == 3 else values
    values = values[..., np.newaxis] if values.ndim == 2 else values
    if values.ndim != 3 or values.size == 0 or values.dtype.kind not in "buif":
        raise DataError(
            f"{path}: an array of shape {values.shape} and type {values.dtype}; save numbers of "
            "shape (height, width) or (height, width, channels)"
        )
    if values.dtype in (np.uint8, np.uint16, np.float32):
        return values
    single = values.astype(np.float32)
    if values.dtype.kind in "ui" and not np.array_equal(single.astype(values.dtype), values):
        raise DataError(f"{path}: integers beyond 2**24, which float32 rounds; save floats")
    return single


def _with_channels(values: np.ndarray, path: Path, modality: Modality) -> np.ndarray:
    channels = values.shape[2]
    if channels == modality.channels:
        return values
    if channels == 1 and modality.channels == 3 and path.suffix.lower() != ".npy":
        return np.repeat(values, 3, axis=2)
    if channels == 3 and modality.channels == 1 and (values == values[..., :1]).all():
        return values[..., :1]
    raise DataError(
        f"{path}: {channels} channels, but {modality.name} has channels={modality.channels}; "
        "correct one of them"
    )
