"""The environment of a training, from its log."""

from msa_backbone.report.environment import training_environment


def test_the_environment_of_the_training_is_in_its_log(tmp_path):
    for name, version in (("20260101_000000", "2.6.0"), ("20260102_000000", "2.9.0")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f"{name}.log").write_text(
            "2026/01/01 - mmengine - INFO - \n" + "-" * 60 + "\nSystem environment:\n"
            f"    sys.platform: linux\n    PyTorch: {version}\n    PyTorch compiling details: x\n"
            "  - GCC 13.3: y\n\n    GPU 0: NVIDIA <H100>\n\nRuntime environment:\n    seed: 0\n"
            + "-"
            * 60
        )
    found = training_environment(tmp_path)
    assert found["PyTorch"] == "2.9.0" and found["GPU 0"] == "NVIDIA <H100>"
    assert "seed" not in found and "GCC 13.3" not in found
    assert training_environment(tmp_path / "nowhere") == {}
