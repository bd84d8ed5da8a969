"""Find classification data in a folder: images in a folder for each class."""

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from ...errors import DataError, first_and_count
from ...files.images import IMAGE_SUFFIXES
from ..folders import user_folder
from ..found_files import NO_UTF_8, NO_UTF_8_MEND, images_in, is_utf_8, spelling_key, unused_images
from ..hidden_splits import check_hidden_splits
from ..splits import SPLIT_OF, SPLIT_WORDS, choose_val, looks_like_a_split
from .unarranged import no_names_of_classes, why_no_classes

CLASSIFICATION_LAYOUTS = """\
folders {train,val,test}/CLASS/ with images, or CLASS/ alone, which is all for training"""


@dataclass(frozen=True)
class ClassificationData:
    """The data of the folder `root`.

    The splits have the names train, val and perhaps test. An image is its path below `root` and
    the number of its class.
    """

    root: Path
    classes: tuple[str, ...]  # in the order of a model's outputs
    splits: dict[str, tuple[tuple[str, int], ...]]
    notes: tuple[str, ...]  # what the user should know: what was decided and why


def find_classification_data(
    root: str | os.PathLike, classes: Sequence[str] | None = None
) -> ClassificationData:
    """Find the data in `root`, in one of `CLASSIFICATION_LAYOUTS`; nothing is written.

    Without a val split, a seeded tenth of every class of train becomes one.

    Args:
        classes: the classes to keep, in this order; by default all of train in sorted order.

    Raises:
        DataError: if there is no such data, or a class has no image to train on.
    """
    root = user_folder(root)
    folders = _split_folders(root)
    images = {split: _images_by_class(folder) for split, folder in folders.items()}
    known = sorted(images["train"])
    of_classes = [path for path in _visible_folders(folders["train"]) if _class_of(path) in known]
    if len(known) < 2:
        raise DataError(why_no_classes(root, folders["train"], of_classes, CLASSIFICATION_LAYOUTS))
    if line := no_names_of_classes(folders["train"], of_classes):
        raise DataError(line)
    spelled = []
    for split in images.keys() - {"train"}:
        images[split], others = _spelled_as(known, images[split])
        spelled += others
    aside = _without_labels(folders, images)
    left = [folders.pop(split) for split in aside]
    for split in aside:
        del images[split]
    chosen = tuple(known if classes is None else classes)
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean '{near[0]}'? " if near else ""
            raise DataError(
                f"{folders['train']}: no class '{name}'; {hint}there are {', '.join(known)}"
            )
    if len(set(chosen)) < max(2, len(chosen)):
        raise DataError(f"{root}: --classes {' '.join(chosen)}: name two different ones or more")
    for split, found in images.items():
        if classes is None and (unknown := sorted(set(found) - set(known))):
            raise DataError(
                f"{folders[split]}: class '{unknown[0]}' has no image in train; add some, or "
                "choose classes with --classes"
            )
    splits = {
        split: tuple(
            (os.path.relpath(file, root), label)
            for label, name in enumerate(chosen)
            for file in found.get(name, ())
        )
        for split, found in images.items()
    }
    names = (name for listed in splits.values() for name, _ in listed)
    if odd := [f"{root / name}: has a {NO_UTF_8}" for name in names if not is_utf_8(name)]:
        raise DataError(f"{first_and_count(odd, 'more like it')}; {NO_UTF_8_MEND}")
    for split, listed in splits.items():
        if not listed:
            raise DataError(f"{folders[split]}: no image of {', '.join(chosen)}; add some")
        for name, _ in listed:  # mmpretrain strips the lines of a list
            if name != name.lstrip() or len(name.splitlines()) > 1:
                raise DataError(f"{root}: {name!r} starts with a space or breaks a line; rename it")
    notes = [f"{len(chosen)} classes: {', '.join(chosen)}"]
    images = {split: [name for name, _ in listed] for split, listed in splits.items()}
    notes += check_hidden_splits(root, images)
    notes += _joined_folders(folders["train"], [root / name for name in images["train"]])
    if spelled:
        notes.append(
            f"classes spelled otherwise than in train: {len(spelled)}, first {spelled[0]!r}"
        )
    notes += [f"{split} left aside: {why}" for split, why in aside.items()]
    if without := [p.name for p in _visible_folders(folders["train"]) if _class_of(p) not in known]:
        notes.append(f"no class, as without images: {', '.join(without)}")
    if classes is None:
        used = (str(root / name) for listed in splits.values() for name, _ in listed)
        notes += unused_images(root, used, left)
    if "val" not in splits:
        val = _choose_val(root, splits["train"])
        splits["val"] = tuple(image for image in splits["train"] if image[0] in val)
        splits["train"] = tuple(image for image in splits["train"] if image[0] not in val)
        notes.append(f"val is {len(val)} of the training images, a tenth of every class (seed 0)")
    notes += [f"{split}: {len(listed)} images" for split, listed in splits.items()]
    return ClassificationData(root, chosen, splits, tuple(notes))


def _joined_folders(train: Path, images: Sequence[Path]) -> list[str]:
    """A note of the folders inside of class folders, where a class has several."""
    inside: dict[str, set[str]] = {}
    for path in images:
        name, *below = path.relative_to(train).parent.parts
        inside.setdefault(name, set()).add("/".join(below))
    joined = [
        f"{name} ({', '.join(sorted(d for d in below if d)[:3])})"
        for name, below in inside.items()
        if len(below) > 1
    ]
    if not joined:
        return []
    return [f"classes whose images lie in several folders: {len(joined)}, first {joined[0]}"]


def _split_folders(root: Path) -> dict[str, Path]:
    """The folder of every split, `root` itself for train if no split has one."""
    found: dict[str, Path] = {}
    for path in _visible_folders(root):
        split = SPLIT_OF.get(path.name.lower())
        inside = _visible_folders(path)
        if split and len(inside) == 1 and inside[0].name == path.name:  # train/train/CLASS/
            path = inside[0]
        if split and found.setdefault(split, path) != path:
            raise DataError(f"{path}: a second {split} folder beside {found[split]}; move it away")
    if found and "train" not in found:
        beside = ", ".join(map(str, found.values()))
        raise DataError(f"{root / 'train'}: there is no train folder beside {beside}; add it")
    if not found:
        _refuse_other_splits(root)
    order = [split for split in SPLIT_WORDS if split in found]
    return {split: found[split] for split in order} or {"train": root}


def _refuse_other_splits(root: Path) -> None:
    """Raise DataError for splits by other names, which would be taken for classes."""
    like = [path for path in _visible_folders(root) if looks_like_a_split(path.name)]
    inside = [{folder.name.lower() for folder in _visible_folders(path)} for path in like]
    if len(like) > 1 and set.intersection(*inside):
        raise DataError(
            f"{like[0]}: looks like a split by another name, as does {like[1].name}, and would be "
            "taken for a class; name the folders train, val and test"
        )


def _without_labels(folders: dict[str, Path], images: dict[str, dict]) -> dict[str, str]:
    """The splits whose images have no classes, as tests of competitions have none, and why."""
    found = {}
    for split in folders.keys() - {"train"}:
        flat = [p for p in folders[split].iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
        if flat and not images[split]:
            found[split] = f"{len(flat)} images in no class folder"
        elif (
            split == "test" and images[split] and not images[split].keys() & images["train"].keys()
        ):
            found[split] = f"its folders ({', '.join(images[split])}) are no classes of train"
    return found


def _visible_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _images_by_class(folder: Path) -> dict[str, list[Path]]:
    """The images of every folder in `folder`, at any depth; folders without images are no class."""
    found: dict[str, list[Path]] = {}
    for path in _visible_folders(folder):
        if files := images_in(path):
            found.setdefault(_class_of(path), []).extend(files)
    return found


def _class_of(folder: Path) -> str:
    """The name of a folder's class; archives of some systems write accents in another way (NFD)."""
    return unicodedata.normalize("NFC", folder.name)


def _spelled_as(
    known: Sequence[str], found: dict[str, list[Path]]
) -> tuple[dict[str, list[Path]], list[str]]:
    """The images by class as train spells it, and the names that are spelled otherwise."""
    twins: dict[str, list[str]] = {}
    for name in known:
        twins.setdefault(spelling_key(name), []).append(name)
    matched, others = {}, []
    for name, files in found.items():
        meant = twins.get(spelling_key(name), [])
        if name not in known and len(meant) == 1 and meant[0] not in found:
            matched[meant[0]] = [*matched.get(meant[0], ()), *files]
            others.append(name)
        else:
            matched[name] = files
    return matched, others


def _choose_val(root: Path, images: Sequence[tuple[str, int]]) -> set[str]:
    """A tenth of every class that has two images or more."""
    by_class: dict[int, list[str]] = {}
    for name, label in images:
        by_class.setdefault(label, []).append(name)
    chosen: set[str] = set()
    for of_class in by_class.values():
        if len(of_class) > 1:
            chosen |= choose_val(root, of_class)
    if not chosen:
        raise DataError(
            f"{root}: no class has two images, so there is none for val; add a val split"
        )
    return chosen
