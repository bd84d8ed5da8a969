"""The variants of an ablation: configs that differ in one thing each."""

import ast
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from mmengine.config import Config

from ..config.language.words import stand_in_words
from ..config.load import apply_options, load_config
from ..config.options import drop_pretrained
from ..config.rehearse import rehearse
from ..config.shipped import find_config
from ..config_nodes import LOADERS
from ..files.whole_files import write_whole
from ..training.prepare import prepare_training
from .runs import Settings


def name_variants(paths: Sequence[Path]) -> dict[str, Path]:
    """Variants by the names of their files.

    Raises:
        ValueError: for a name that comes twice.
    """
    named: dict[str, Path] = {}
    for path in paths:
        name = path.name.removesuffix(".py")  # no stem: full_lr-0.01 is a name too
        if name in named:
            raise ValueError(f"variants {named[name]} and {path} have the same name")
        named[name] = path
    return named


def split_options(
    options: Mapping[str, object], data: str | None
) -> tuple[dict[str, object], dict[str, object]]:
    """Part --cfg-options into those for the variants' configs, and those that wait.

    `data` replaces the datasets of a config, but for their pipelines, and its evaluators. What
    options had changed in them would be gone without a word, so these options wait until a run has
    put its data in.

    Args:
        options: by dotted name.
        data: the folder of `Settings`; without one nothing waits.

    Returns:
        The options for `write_variants`, and those for `Settings`.
    """
    evaluators = [loader.replace("dataloader", "evaluator") for loader in LOADERS]
    replaced = tuple(f"{part}." for part in (*(f"{name}.dataset" for name in LOADERS), *evaluators))
    now, waiting = {}, {}
    for key, value in options.items():
        waits = data and f"{key}.".startswith(replaced) and ".pipeline." not in f"{key}."
        (waiting if waits else now)[key] = value
    return now, waiting


def derive_config(variant: Path, base: Path) -> str:
    """A variant's config with `base` in the place of the config that it inherits from.

    Args:
        variant: a config that names one `_base_` and changes it.
        base: any config whose settings the variant changes.

    Returns:
        The new config's text.

    Raises:
        ValueError: for a variant that is no config with one `_base_`.
    """
    try:
        source = variant.read_text(encoding="utf-8")
        statements = ast.parse(source).body
    except (OSError, SyntaxError) as error:
        raise ValueError(f"variant {variant} cannot be read: {error}") from error
    lines = source.splitlines()
    kept = [
        "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in statements
        if not (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_base_")
    ]
    if len(kept) != len(statements) - 1:
        raise ValueError(f"variant {variant} has no _base_ that another config could replace")
    return "\n".join([f"_base_ = {str(base.resolve())!r}", *kept]) + "\n"


def write_variants(
    variants: Mapping[str, Path],
    base: Path | None,
    settings: Settings,
    options: Mapping[str, object],
) -> tuple[str, list[str]]:
    """Write every variant's complete config, `WORK_DIR/VARIANT/config.py`.

    Nothing is written before all models can be built and a training could start.

    Args:
        variants: configs by name: files, or names of the project's, see `shipped.find_config`.
        base: replaces what the variants inherit from; None leaves them as they are.
        settings: what all runs share.
        options: --cfg-options for all, from `split_options`.

    Returns:
        The configs' scope, such as 'mmdet', and what was found in data and weights, for the user.

    Raises:
        ValueError: for a variant that is no config, whose model cannot be built, or that is already
            there with other settings; for data and weights that no run could start with.
    """
    configs: dict[str, Config] = {}
    with TemporaryDirectory() as folder:
        for name, variant in variants.items():
            source = path = Path(find_config(str(variant)))
            if base is not None:
                source = Path(folder, path.name)
                text = derive_config(path, Path(find_config(str(base))))
                source.write_text(text, encoding="utf-8")
            cfg = load_config(str(source), None, {})
            apply_options(cfg, options)
            cfg.work_dir = None
            configs[name] = cfg
            try:
                check_model(cfg)
            except ValueError as error:
                raise ValueError(f"variant {name}: {error}") from error
        first = next(iter(configs.values()))  # all variants train on the same data and weights
        found = rehearse_training(first, settings, folder)
    shared = {name: value for name, value in asdict(settings).items() if name != "work_dir"}
    if not settings.options:
        del shared["options"]  # as in work dirs of versions that had none
    work_dir = Path(settings.work_dir)
    files = {work_dir / "settings.json": json.dumps(shared)}
    files |= {work_dir / name / "config.py": cfg.pretty_text for name, cfg in configs.items()}
    for file, text in files.items():
        if file.exists() and file.read_text(encoding="utf-8") != text:
            raise ValueError(
                f"{file} is of an ablation with other settings: choose another --work-dir"
            )
    for file, text in files.items():
        write_whole(file, text)
    return first.get("default_scope", "mmengine"), found


def check_model(cfg: Config) -> None:
    """Build a config's model once, from random weights."""
    rehearsed = Config(cfg._cfg_dict.to_dict())
    rehearsed.load_from = None
    drop_pretrained(rehearsed)
    stand_in_words(rehearsed)
    rehearse(rehearsed, ())


def rehearse_training(cfg: Config, settings: Settings, folder: str) -> list[str]:
    """Find out in a temporary folder what every run would find wrong with data and weights.

    Raises:
        ValueError, OSError: what `prepare_training` finds.
    """
    rehearsed = Config(cfg._cfg_dict.to_dict())
    rehearsed.work_dir = folder
    return prepare_training(
        rehearsed,
        data=settings.data,
        classes=settings.classes,
        weights=settings.weights,
        options=settings.options,
    )
