"""Options that the tools share."""

from msa_backbone.cli.arguments import by_name


def test_configs_of_equal_names_are_told_apart():
    """An ablation writes a config.py for every variant."""
    assert by_name(["a/x.py", "b/y.py"]) == {"x": "a/x.py", "y": "b/y.py"}
    paths = ["sum/config.py", "se/config.py"]
    assert by_name([*paths, "z.py"]) == {**dict(zip(paths, paths, strict=True)), "z": "z.py"}
    assert by_name(["a/plain.py"], taken=["plain"]) == {"a/plain.py": "a/plain.py"}
