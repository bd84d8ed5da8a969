"""Small models of every kind, and the files they were exported to."""

from pathlib import Path

import pytest
from exported_models import Trained, make_trained


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """Call `trained("faster-rcnn")`."""
    made: dict[str, Trained] = {}

    def get(kind: str) -> Trained:
        if kind not in made:
            made[kind] = make_trained(kind, tmp_path_factory.mktemp(kind))
        return made[kind]

    return get


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """Call `exported("faster-rcnn")`: the file, for pictures of any size."""
    from msa_backbone.export.to_onnx import export_onnx

    folder = tmp_path_factory.mktemp("exported")

    def get(kind: str) -> Path:
        file = folder / f"{kind}.onnx"
        if not file.exists():
            model = trained(kind)
            export_onnx(model.cfg(), str(model.checkpoint), file)
        return file

    return get
