"""What an exported file says about itself: strings in the metadata of ONNX and OpenVINO.

Whoever runs the file has neither the config nor the checkpoint, and needs no torch to read this.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from ...errors import DataError

PICTURE = "RGB, uint8, (N, height, width, 3)"
MARK = "msa_backbone"


@dataclass(frozen=True)
class FileInfo:
    """The metadata.

    Attributes:
        task: in words, as `tasks.Task.title` has it.
        classes: their names, by label.
        palette: their colours, (R, G, B) in 0..255.
        input: what the file takes.
        score_thr: boxes below this score are not in the output; 0 where the task has no boxes.
        mask_thr: a pixel from this probability on belongs to an instance.
        model: the class of the exported model.
        config: the name of its config.
        version: of this package.
    """

    task: str
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    score_thr: float
    mask_thr: float
    model: str
    config: str
    version: str
    input: str = PICTURE

    def to_metadata(self) -> dict[str, str]:
        """Each field as json, and `MARK`, by which the file is known as one of ours."""
        return {MARK: "1", **{name: json.dumps(value) for name, value in asdict(self).items()}}

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
        values = {field.name: json.loads(metadata[field.name]) for field in fields(cls)}
        values["classes"] = tuple(values["classes"])
        values["palette"] = tuple(map(tuple, values["palette"]))
        return cls(**values)
