"""Seeded damage to a data folder: the kinds of thing that people, exports and disks do to files."""

import io
import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from PIL import Image

ODD_VALUES = (
    *(None, True, -1, 0, 0.5, 1e300, float("nan"), float("inf"), 10**30, 2**53 + 1, "", "7", "1e3"),
    *("../../etc/passwd", "a\nb", "ä%20\\b", [], [1], [[]], {}, {"a": 1}, [None, 1, 2, 3]),
)
ODD_TEXTS = ("", " ", "-3", "nan", "inf", "1e999", "0", "99999999999", "ä ö", "..", "a b c", "0.5")


def mutate(root: Path, rng: random.Random) -> str:
    """Change one thing in the folder; what was done, for the message of a failing test."""
    files = sorted(path for path in root.rglob("*") if path.is_file())
    # Annotations are few beside images: half of the changes are for them.
    texts = [path for path in files if path.suffix in EDITS]
    path = rng.choice(texts if texts and rng.random() < 0.6 else files)
    edits = [*ANY_FILE, *EDITS.get(path.suffix, IMAGE_EDITS) * 2]
    edit = rng.choice(edits)
    done = edit(path, rng)
    return f"{path.relative_to(root)}: {edit.__name__.strip('_')} {done or ''}".strip()


# ---------------------------------------------------------------- any file


def _delete(path: Path, rng: random.Random) -> None:
    path.unlink()


def _empty(path: Path, rng: random.Random) -> None:
    path.write_bytes(b"")


def _truncate(path: Path, rng: random.Random) -> str:
    data = path.read_bytes()
    size = rng.randrange(len(data)) if data else 0
    path.write_bytes(data[:size])
    return f"to {size} of {len(data)} bytes"


def _flip_bytes(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    for _ in range(min(len(data), 8)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(bytes(data))


def _rename(path: Path, rng: random.Random) -> str:
    stem, suffix = path.stem, path.suffix
    names = (
        *(stem + suffix.upper(), stem.upper() + suffix, f"{stem} (1){suffix}", stem),
        *("ä" + path.name, path.name + ".bak", "." + path.name),
    )
    name = rng.choice(names)
    path.rename(path.with_name(name))
    return f"to {name}"


def _move_up(path: Path, rng: random.Random) -> None:
    shutil.move(path, path.parent.parent / path.name)


def _copy_beside(path: Path, rng: random.Random) -> str:
    name = rng.choice((f"copy_{path.name}", f"{path.stem}.png", f"{path.stem}.JPG", "test.txt"))
    if not path.with_name(name).exists():
        shutil.copy(path, path.with_name(name))
    return f"as {name}"


def _become_folder(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.mkdir()


# ---------------------------------------------------------------- json


def _json_edit(change: Callable[[object, object, random.Random], str]) -> Callable:
    """An edit of a file from a change of one place: (container, key, rng) -> what was done."""

    def edit(path: Path, rng: random.Random) -> str:
        try:
            content = json.loads(path.read_text())
        except ValueError:  # spoilt by an earlier mutation
            return "nothing: no JSON"
        places = list(_places(content))
        if not places:
            return "nothing: no place"
        # Deep places are many more than shallow ones: first a depth, then a place.
        depth = rng.choice(sorted({len(trail) for *_, trail in places}))
        container, key, trail = rng.choice([p for p in places if len(p[2]) == depth])
        done = change(container, key, rng)
        path.write_text(json.dumps(content))
        return f"{'.'.join(map(str, trail))} {done}"

    edit.__name__ = f"json_{change.__name__.strip('_')}"
    return edit


def _places(node: object, trail: tuple = ()):
    pairs = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(pairs):
        yield node, key, (*trail, key)
        if isinstance(value, dict | list):
            yield from _places(value, (*trail, key))


def _drop(container, key, rng: random.Random) -> str:
    del container[key]
    return ""


def _set_odd(container, key, rng: random.Random) -> str:
    container[key] = rng.choice(ODD_VALUES)
    return f"= {container[key]!r}"


def _as_text(container, key, rng: random.Random) -> str:
    container[key] = str(container[key])
    return ""


def _scale(container, key, rng: random.Random) -> str:
    factor = rng.choice((-1, 0, 0.01, 100, 1.5))
    if isinstance(container[key], int | float):
        container[key] = container[key] * factor
    return f"x {factor}"


def _swap(container, key, rng: random.Random) -> str:
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    other = rng.choice(keys)
    container[key], container[other] = container[other], container[key]
    return f"with {other}"


def _double(container, key, rng: random.Random) -> str:
    if isinstance(container, list):
        container.append(container[key])
    return ""


# ---------------------------------------------------------------- xml and lines of text


def _xml_edit(path: Path, rng: random.Random) -> str:
    text = path.read_text(errors="replace")
    elements = list(re.finditer(r"<(\w+)>([^<]*)</\1>", text))
    if not elements:
        return "nothing: no element"
    found = rng.choice(elements)
    tag, odd = found[1], rng.choice(ODD_TEXTS)
    new = rng.choice(
        ("", found[0] * 2, f"<{tag}>{odd}</{tag}>", f"<{tag}>{odd}", f"<{tag}x>{found[2]}</{tag}x>",
         f"<{tag}>A & B</{tag}>", f"<{tag}><a>{found[2]}</a></{tag}>")
    )  # fmt: skip
    path.write_text(text[: found.start()] + new + text[found.end() :])
    return f"{found[0]} -> {new}"


def _edit_word(path: Path, rng: random.Random) -> str:
    text = path.read_text(errors="replace")
    words = list(re.finditer(r"[^\s,:]+", text))
    if not words:
        return "nothing: no word"
    found, odd = rng.choice(words), rng.choice((*ODD_TEXTS, found_twice := "twice"))
    new = f"{found[0]} {found[0]}" if odd is found_twice else odd
    path.write_text(text[: found.start()] + new + text[found.end() :])
    return f"{found[0]} -> {new!r}"


def _drop_line(path: Path, rng: random.Random) -> str:
    lines = path.read_text(errors="replace").splitlines(keepends=True)
    return _without(path, lines, rng) if lines else "nothing: no line"


def _without(path: Path, lines: list[str], rng: random.Random) -> str:
    line = lines.pop(rng.randrange(len(lines)))
    path.write_text("".join(lines))
    return repr(line)


def _double_line(path: Path, rng: random.Random) -> str:
    lines = path.read_text(errors="replace").splitlines(keepends=True)
    line = rng.choice(lines or ["x\n"])
    path.write_text("".join([*lines, line]))
    return repr(line)


def _recode(path: Path, rng: random.Random) -> str:
    encoding = rng.choice(("utf-16", "utf-8-sig", "latin-1"))
    text = path.read_text(errors="replace").replace("cat", "kätzchen").replace("\n", "\r\n")
    path.write_bytes(text.encode(encoding, errors="replace"))
    return encoding


# ---------------------------------------------------------------- images


def _image_edit(change: Callable[[Image.Image], Image.Image], name: str, **options) -> Callable:
    def edit(path: Path, rng: random.Random) -> None:
        file = io.BytesIO()
        try:
            # Pillow reads pixels at the first use, maybe as late as in save: the file must be open.
            with Image.open(path) as picture:
                changed, file_format = change(picture), picture.format
                # Under its old name, as people rename files.
                if changed.mode in ("I", "F"):
                    file_format = "TIFF"
                elif file_format == "JPEG" and changed.mode not in ("RGB", "L", "CMYK"):
                    file_format = "PNG"
                changed.save(file, format=file_format, **options)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return  # spoilt by an earlier mutation
        path.write_bytes(file.getvalue())

    edit.__name__ = name
    return edit


def _exif(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif.tobytes()


ANY_FILE = (
    *(_delete, _empty, _truncate, _flip_bytes, _rename, _move_up, _copy_beside, _become_folder),
)
_TEXT_EDITS = (_edit_word, _edit_word, _drop_line, _double_line, _recode)
EDITS = {
    ".json": (
        *map(_json_edit, (_drop, _drop, _set_odd, _set_odd, _set_odd)),
        *map(_json_edit, (_as_text, _scale, _swap, _double)),
        _recode,
    ),
    ".xml": (_xml_edit, _xml_edit, _xml_edit, _edit_word, _recode),
    ".txt": _TEXT_EDITS,
    ".csv": _TEXT_EDITS,
    ".yaml": _TEXT_EDITS,
}
IMAGE_EDITS = (
    _image_edit(lambda p: p.resize((40, 56)), "other_size"),
    _image_edit(lambda p: p.convert("L"), "grey"),
    _image_edit(lambda p: p.convert("RGBA"), "alpha"),
    _image_edit(lambda p: p.convert("P"), "palette"),
    _image_edit(lambda p: p.convert("CMYK") if p.format == "JPEG" else p, "cmyk"),
    _image_edit(lambda p: p.convert("L").convert("I;16"), "deep"),
    _image_edit(lambda p: p.convert("L").convert("I"), "deeper"),
    _image_edit(lambda p: p.convert("L").convert("F"), "float"),
    _image_edit(lambda p: p.copy(), "turned", exif=_exif(6)),
    _image_edit(lambda p: p.copy(), "upside_down", exif=_exif(3)),
)
