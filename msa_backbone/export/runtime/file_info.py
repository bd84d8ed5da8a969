"""What an exported file says about itself: strings in the metadata of ONNX and OpenVINO.

Whoever runs the file has neither the config nor the checkpoint, and needs no torch to read this.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from ...errors import DataError
from ...files.modality import Modality

INPUT = "picture"
"""The input of a file for one camera; of several, each has its own, by its name."""
PRESENT = "present"
"""The input that says which of several cameras are there."""
TOKENS = "tokens"
"""The input of questions."""
MARK = "msa_backbone"


@dataclass(frozen=True)
class FileInfo:
    """The metadata.

    Attributes:
        task: in words, as `tasks.Task.title` has it.
        classes: their names, by label; of questions the answers to choose from.
        palette: their colours, (R, G, B) in 0..255.
        input: what the file takes.
        score_thr: boxes below this score are not in the output; 0 where the task has no boxes.
        mask_thr: a pixel from this probability on belongs to an instance; above it, to the second
            of two classes.
        model: the class of the exported model.
        config: the name of its config.
        version: of this package.
        modalities: the cameras, the reference first; none for one camera.
        thresholds: the least score of each class that counts; none where nobody has found them.
        vocabulary: of the questions, as `language.text.tokenizer.Tokenizer` has it.
        dtype: of the pictures, 'uint8' or 'float32'.
    """

    task: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    score_thr: float
    mask_thr: float
    model: str
    config: str
    version: str
    modalities: tuple[Modality, ...] = ()
    thresholds: tuple[float, ...] = ()
    vocabulary: str = ""
    dtype: str = "uint8"

    def to_metadata(self) -> dict[str, str]:
        """Each field as json, what goes in, and `MARK`, by which the file is known as ours."""
        values = {name: json.dumps(value) for name, value in asdict(self).items()}
        return {MARK: "1", **values, "input": json.dumps(self.input)}

    @property
    def input(self) -> str:
        """What the file takes, for whoever looks into it."""
        if not self.modalities:
            words = f"; {TOKENS}: int64, (questions, words), 0 behind the last word"
            return self.picture(3, "N, ") + (words if self.vocabulary else "")
        named = (f"{m.name}: {self.picture(m.channels, 'N, ')}" for m in self.modalities)
        return f"{'; '.join(named)}; {PRESENT}: bool, ({len(self.modalities)},)"

    def picture(self, channels: int, batch: str = "") -> str:
        """What a picture of so many channels is, in words."""
        colours = "RGB, " if channels == 3 else ""
        return f"{colours}{self.dtype}, ({batch}height, width, {channels})"

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], file: str) -> "FileInfo":
        """Read it back.

        Raises:
            DataError: for a file that was exported by another program.
        """
        if MARK not in metadata:
            raise DataError(
                f"{file}: it has no metadata of msa_backbone; export it with tools/export.py"
            )
        names = [field.name for field in fields(cls) if field.name in metadata]
        values = {name: json.loads(metadata[name]) for name in names}
        values["classes"] = tuple(values["classes"])
        values["palette"] = tuple(map(tuple, values["palette"]))
        values["thresholds"] = tuple(values.get("thresholds", ()))  # older files have none
        modalities = values.get("modalities", ())
        values["modalities"] = tuple(map(_modality, modalities))
        return cls(**values)


def _modality(values: Mapping) -> Modality:
    lists = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Modality(**lists)
