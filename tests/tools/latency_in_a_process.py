"""tools/latency.py: a table for each model and size, in every runtime."""

import numpy as np
import pytest
import torch

pytest.importorskip("mmdet")

from msa_backbone.export.latency import VARIANTS, backbone_steps, latency_table, variant


def test_the_table_has_medians_and_ratios_within_a_round():
    times = {
        ("eager", "plain"): [0.1, 0.2, 0.4],
        ("eager", "ours"): [0.2, 0.4, 0.4],
        ("onnx", "plain"): [0.05, 0.1, 0.1],
        ("onnx", "ours"): [0.05, 0.1, 0.2],
    }
    assert latency_table(times).splitlines()[2:] == [
        "| eager | 200.0 | 400.0 | 2.00 | 1.00 |",
        "| onnx | 100.0 | 100.0 | 1.00 | 4.00 |",
    ]
    del times["eager", "plain"], times["eager", "ours"]
    assert latency_table(times).splitlines()[2:] == ["| onnx | 100.0 | 100.0 | 1.00 | - |"]


@pytest.mark.slow
def test_a_detector(run_tool, tiny_config, capsys):
    options = ("--sizes", "64x96", "--runtimes", "eager", "onnx", "--rounds", 1, "--threads", 1)
    threads = torch.get_num_threads()
    try:
        run_tool("latency", tiny_config, *options)
    finally:
        torch.set_num_threads(threads)
    title, _, _, _, *rows = capsys.readouterr().out.strip().splitlines()[-6:]
    assert title == f"{tiny_config}, 64x96, 1 threads, 1 rounds"
    assert [row.split("|")[1].strip() for row in rows] == ["eager", "onnx"]
    numbers = [[float(value) for value in row.split("|")[2:6]] for row in rows]
    assert all(value > 0 for row in numbers for value in row) and numbers[0][3] == 1


@pytest.mark.slow
def test_steps_run_the_network_that_they_name(tmp_path, tiny_config):
    """In every runtime the same features; plain VGG16 has no attention."""
    from msa_backbone.config.load import load_config

    runtimes = ("eager", "onnx", "openvino")
    sizes = {}
    for name in VARIANTS:
        steps = dict(backbone_steps("pool", name, (64, 96), runtimes, 1, tmp_path / name))
        with torch.no_grad():
            expected = [x.numpy() for x in steps["eager"]()]
        for runtime in runtimes[1:]:
            found = list(steps[runtime]().values())
            for one, other in zip(found, expected, strict=True):
                assert np.allclose(one, other, rtol=1e-3, atol=1e-4)
        folder = tmp_path / f"{name}-whole"
        folder.mkdir()
        cfg = load_config(str(tiny_config), None, {})
        predictor = variant(cfg, name, (64, 96), folder)
        sizes[name] = len(predictor.attentions)
    assert sizes == {"plain": 0, "ours": 5}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ([], "error: name a config, or a place of the attention with --backbone"),
        (["--backbone", "pool", "--rounds", "0"], "error: --rounds 0: give 1 or more"),
    ],
)
def test_mistakes_end_in_one_line(options, reason, run_tool):
    with pytest.raises(SystemExit, match=reason):
        run_tool("latency", *options)
