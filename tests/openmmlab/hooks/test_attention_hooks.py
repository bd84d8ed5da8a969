"""Attention that trains later than its backbone, and the figure of what it does, in real runs."""

import copy
import json
import re
import signal
import socket
from pathlib import Path

import processes
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.runner import Runner
from torch import Tensor, nn
from toy_attention import (
    EPOCH,
    EPOCHS,
    Toy,
    Watch,
    make_runner,
    progressive,
    train_as_one_of_two,
    train_until_killed,
)

from msa_backbone.files.checkpoints import load_tensors_only_from_now_on, read_checkpoint
from msa_backbone.openmmlab.hooks.attention_ratio_hook import AttentionRatioHook
from msa_backbone.openmmlab.hooks.progressive_attention_hook import ProgressiveAttentionHook
from msa_backbone.ops import select_form


def last(work: Path) -> dict[str, Tensor]:
    return read_checkpoint((work / "last_checkpoint").read_text())["state_dict"]


def assert_equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        assert torch.equal(tensor, other[name]), name


def log_of(work: Path) -> str:
    return max(work.glob("*/*.log")).read_text()


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As in the processes of their own: sums of more threads end in other bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def tensors_only(monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0")  # the next line's, taken back
    load_tensors_only_from_now_on()


@pytest.mark.parametrize("by_epoch", [True, False])
def test_attention_is_bit_still_until_it_is_its_turn(by_epoch, tmp_path):
    watch = Watch()
    runner = make_runner(tmp_path, [progressive(2, by_epoch), watch], by_epoch)
    runner.train()
    steps, still = EPOCHS * EPOCH, 2 * EPOCH
    assert watch.moved("backbone.attentions.") == [{False}] * still + [{True}] * (steps - still)
    assert watch.moved("backbone.features.") == [{True}] * steps
    groups = runner.optim_wrapper.optimizer.param_groups
    rates = {id(p): group["lr"] for group in groups for p in group["params"]}
    for name, parameter in runner.model.named_parameters():
        assert rates[id(parameter)] == pytest.approx(0.001 if "attentions." in name else 0.01), name
    lines = re.findall(r"Attention (?:is frozen|trains) .*", log_of(tmp_path))
    last_one = "epoch 2" if by_epoch else "iteration 8"
    assert lines == [
        f"Attention is frozen until {last_one} is over",
        f"Attention trains from now on: {last_one} is over",
    ]


def test_iterations_count_in_a_loop_of_epochs_too(tmp_path):
    watch = Watch()
    hook = ProgressiveAttentionHook(unfreeze_at=3, by_epoch=False)
    make_runner(tmp_path, [hook, watch]).train()
    assert watch.moved("backbone.attentions.") == [{False}] * 3 + [{True}] * 13


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[bool, dict[str, Tensor]]:
    """Weights at the end of an uninterrupted training, by epoch and by iteration."""
    works = {by_epoch: tmp_path_factory.mktemp("whole") for by_epoch in (True, False)}
    for by_epoch, work in works.items():
        make_runner(work, [progressive(2, by_epoch)], by_epoch).train()
    return {by_epoch: last(work) for by_epoch, work in works.items()}


@pytest.mark.parametrize("by_epoch", [True, False])
@pytest.mark.parametrize("resumed_at", [1, 2, 3])  # before, at and after the unfreezing
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    by_epoch, resumed_at, whole, tmp_path
):
    def kill() -> None:
        raise Killed

    first = Watch(kill, resumed_at * EPOCH + 2)
    with pytest.raises(Killed):
        make_runner(tmp_path, [progressive(2, by_epoch), first], by_epoch).train()
    watch = Watch()
    torch.manual_seed(1)  # other weights than those of the checkpoint
    hooks = [progressive(2, by_epoch), watch]
    make_runner(tmp_path, hooks, by_epoch, Toy(), resume=True).train()
    assert first.starts_frozen and watch.starts_frozen == (resumed_at < 2)
    still = max(2 - resumed_at, 0) * EPOCH
    moved = watch.moved("backbone.attentions.")
    assert moved == [{False}] * still + [{True}] * ((EPOCHS - resumed_at) * EPOCH - still)
    start = first.states[0]
    for name, tensor in watch.states[resumed_at * EPOCH].items():
        if "attentions." in name:
            assert torch.equal(tensor, start[name]) == (resumed_at <= 2), name
    assert_equal(last(tmp_path), whole[by_epoch])


@pytest.mark.slow
def test_after_sigkill(whole, tmp_path):
    work, log = tmp_path / "work", tmp_path / "log"
    for kill_at, code in ((6, -signal.SIGKILL), (14, -signal.SIGKILL), (None, 0)):
        process = processes.start(train_until_killed, log, work, kill_at)
        process.join(300)
        assert process.exitcode == code, log.read_text()
    assert_equal(last(work), whole[True])


def train_in_two(
    work: Path,
    by_epoch: bool = True,
    counts: int = 1,
    compiled: bool = False,
    end_at: int | None = None,
) -> list[dict[int, dict[str, Tensor]]]:
    """Train in two processes, resuming what there is; the weights around every step, by rank."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    logs, options = [work / f"log{rank}" for rank in "01"], (work, by_epoch, counts, compiled)
    work.mkdir(exist_ok=True)
    started = [
        processes.start(
            train_as_one_of_two,
            *(log, {**environment, "RANK": rank, "LOCAL_RANK": rank}, *options, end_at),
        )
        for rank, log in zip("01", logs, strict=True)
    ]
    try:
        for process, log in zip(started, logs, strict=True):
            process.join(300)
            assert process.exitcode == 0, log.read_text()
    finally:
        for process in started:
            process.kill()
    paths = [work / f"rank{rank}.pth" for rank in (0, 1)]
    return [torch.load(path, weights_only=True) for path in paths if path.exists()]


@pytest.mark.parametrize(
    ("by_epoch", "counts", "compiled"),
    [
        (True, 1, False),
        (False, 2, False),
        pytest.param(True, 1, True, marks=pytest.mark.slow),
    ],
)
def test_two_processes(by_epoch, counts, compiled, tmp_path):
    states = train_in_two(tmp_path, by_epoch, counts, compiled)
    for one, other in zip(*(rank.values() for rank in states), strict=True):
        assert_equal(one, other)
    watch = Watch()
    watch.states = states[0]
    unfrozen = 2 * EPOCH if by_epoch else 3
    updates = [(i + 1) % counts == 0 for i in range(EPOCHS * EPOCH)]
    moved = [{update and i >= unfrozen} for i, update in enumerate(updates)]
    assert watch.moved("backbone.attentions.") == moved
    assert watch.moved("backbone.features.") == [{update} for update in updates]
    ratios = [record.get("attention/10") for record in scalars(tmp_path)]
    if compiled:  # torch.compile does not look for hooks again
        assert set(ratios) == {None}
    else:
        assert ratios[0] is None and ratios[1] == 0 and ratios[-1] > 0


@pytest.mark.slow
def test_two_processes_resume(tmp_path):
    whole = train_in_two(tmp_path / "whole")[0]
    for end_at in (6, 14):
        assert not train_in_two(tmp_path / "parts", end_at=end_at)
    parts = train_in_two(tmp_path / "parts")[0]
    assert sorted(parts)[0] == 3 * EPOCH
    assert_equal(whole[EPOCHS * EPOCH], parts[EPOCHS * EPOCH])


def test_accumulated_gradients(tmp_path):
    """The unfreezing comes in the middle of an accumulation."""
    watch = Watch()
    hook = ProgressiveAttentionHook(unfreeze_at=5, by_epoch=False)
    make_runner(tmp_path, [hook, watch], optim_wrapper={"accumulative_counts": 2}).train()
    updates = [i % 2 == 1 for i in range(EPOCHS * EPOCH)]
    assert watch.moved("backbone.features.") == [{update} for update in updates]
    assert watch.moved("backbone.attentions.") == [
        {update and i >= 5} for i, update in enumerate(updates)
    ]


@pytest.mark.slow
def test_a_compiled_step(tmp_path):
    watch = Watch()
    make_runner(tmp_path, [progressive(1), watch], compiled=True, epochs=2).train()
    assert watch.moved("backbone.attentions.") == [{False}] * EPOCH + [{True}] * EPOCH


@pytest.mark.parametrize(
    ("hook", "by_epoch", "options", "message"),
    [
        (progressive(4), True, {}, "unfreeze_at=4 .*less than its 4 epochs"),
        (progressive(4, False), False, {}, "unfreeze_at=16 .*less than its 16 iterations"),
        (progressive(1), False, {}, "by_epoch=False"),
        (progressive(1), True, {"attention": None}, "MSAVGG with attention"),
    ],
)
def test_what_cannot_work_is_told_before_the_first_step(hook, by_epoch, options, message, tmp_path):
    model = Toy(**options)
    before = copy.deepcopy(model.state_dict())
    runner = make_runner(tmp_path, [hook], by_epoch, model)
    with pytest.raises(ValueError, match=message):
        runner.train()
    assert runner.iter == 0
    assert_equal(before, model.state_dict())


def test_values_that_mean_nothing():
    for value in (0, -1):
        with pytest.raises(ValueError, match=f"unfreeze_at={value} "):
            ProgressiveAttentionHook(value)
        with pytest.raises(ValueError, match=f"interval={value} "):
            AttentionRatioHook(value)


class Alone:
    """torch's process group of one process, for wrappers."""

    def __enter__(self) -> None:
        store = torch.distributed.HashStore()
        torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)

    def __exit__(self, *error: object) -> None:
        torch.distributed.destroy_process_group()


def test_a_wrapper_that_the_runner_would_not_build_again(tmp_path, monkeypatch):
    for name, value in (("LOCAL_RANK", "0"), ("OMP_NUM_THREADS", "1"), ("MKL_NUM_THREADS", "1")):
        monkeypatch.setenv(name, value)  # the last two are what the runner would set for good
    separate = {"type": "MMSeparateDistributedDataParallel", "device_ids": None}
    with Alone():
        cases = {
            "MMDistributedDataParallel": {"model": MMDistributedDataParallel(Toy())},
            "MMSeparateDistributedDataParallel": {"wrapper": separate},
        }
        for name, options in cases.items():
            runner = make_runner(tmp_path, [progressive(1)], **options)
            with pytest.raises(ValueError, match=f"not with {name}"):
                runner.train()


def scalars(work: Path) -> list[dict]:
    path = max(work.glob("*/vis_data/scalars.json"))
    return [json.loads(line) for line in path.read_text().splitlines()]


class Ratios(Hook):
    """The same by other means: from the weights before a step and its batch."""

    priority = "VERY_LOW"

    def __init__(self) -> None:
        self.expected: list[dict[str, float]] = []
        self.hooked: list[int] = []

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: dict) -> None:
        self.hooked.append(hooks_on(runner.model))
        model = copy.deepcopy(runner.model)
        for module in model.modules():
            module._forward_hooks.clear()
        seen = {}
        x = torch.stack(data_batch["image"])
        backbone = model.backbone
        state = torch.random.get_rng_state()
        with torch.no_grad():
            for index, layer in enumerate(backbone.features):
                x = layer(x)
                if str(index) in backbone.attentions:
                    y = backbone.attentions[str(index)](x)
                    ratio = (y - x).double().square().sum() / x.double().square().sum()
                    seen[f"attention/{index}"] = ratio.sqrt().item()
                    x = y
        torch.random.set_rng_state(state)
        self.expected.append(seen)


def hooks_on(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


@pytest.mark.parametrize("with_cp", [False, True])
def test_the_ratio_is_what_attention_adds(with_cp, tmp_path):
    torch.manual_seed(0)
    ratios, model = Ratios(), Toy(with_cp=with_cp)
    hooks = [AttentionRatioHook(interval=2), ratios]
    make_runner(tmp_path, hooks, model=model, epochs=2).train()
    assert ratios.hooked == [0, 4] * EPOCH  # three modules and the backbone, or nothing
    assert hooks_on(model) == 0
    records = scalars(tmp_path)
    positions = ["attention/2", "attention/5", "attention/10"]
    assert not any(name in records[0] for name in positions)
    for step, (record, expected) in enumerate(zip(records, ratios.expected, strict=True)):
        if step % 2:
            assert list(expected) == positions
            for name, value in expected.items():
                assert record[name] == pytest.approx(value, rel=1e-4), (step, name)
            assert all(record[name] > 0 for name in positions)
    assert f"attention/10: {records[-1]['attention/10']:.4f}" in log_of(tmp_path)


def test_an_identity_has_ratio_zero_and_an_epoch_shorter_than_the_interval_is_logged(tmp_path):
    make_runner(tmp_path / "each", [AttentionRatioHook(interval=1)], epochs=1).train()
    first, *_, end = scalars(tmp_path / "each")
    assert first["attention/2"] == first["attention/5"] == first["attention/10"] == 0
    assert end["attention/2"] > 0
    make_runner(tmp_path / "short", [AttentionRatioHook(interval=50)], epochs=2).train()
    logged = ["attention/5" in record for record in scalars(tmp_path / "short")]
    assert logged == [False] * 3 + [True] * 5  # from there on the newest is shown
    values = [record["attention/5"] for record in scalars(tmp_path / "short")[3:]]
    assert len(set(values[:4])) == 1 and values[4] != values[3]


def test_mixed_precision_and_a_model_without_attention(tmp_path):
    options = {"optim_wrapper": {"type": "CPUAmpOptimWrapper"}, "epochs": 1}
    hooks = [AttentionRatioHook(interval=1)]
    make_runner(tmp_path / "amp", hooks, model=Toy(zero_init=False), **options).train()
    assert all(0.01 < record["attention/10"] < 10 for record in scalars(tmp_path / "amp"))
    make_runner(tmp_path / "plain", hooks, model=Toy(attention=None), **options).train()
    assert not any("attention" in key for record in scalars(tmp_path / "plain") for key in record)


class AnotherHook(Hook):
    priority = "VERY_LOW"

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        runner.model.backbone.register_forward_hook(lambda *_: None)


@pytest.mark.parametrize("others", [[], [AnotherHook()]])
@pytest.mark.parametrize("part", ["features.3", "attentions.5", "head"])
def test_a_step_that_fails_leaves_nothing_on_attention(part, others, tmp_path, monkeypatch):
    def fail(x: Tensor) -> Tensor:
        raise RuntimeError("out of memory")

    model = Toy()
    module = model.head if part == "head" else model.backbone.get_submodule(part)
    monkeypatch.setattr(module, "forward", fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        make_runner(tmp_path, [AttentionRatioHook(interval=1), *others], model=model).train()
    assert hooks_on(model.backbone.attentions) == 0
    monkeypatch.undo()
    model.backbone(torch.randn(2, 3, 32, 32))
    assert hooks_on(model) == len(others)


def test_a_step_without_the_backbone_measures_nothing(tmp_path, monkeypatch):
    model = Toy()
    monkeypatch.setattr(model, "forward", lambda image, mode: {"loss": model.head.bias.square()})
    make_runner(tmp_path, [AttentionRatioHook(interval=1)], model=model, epochs=1).train()
    assert hooks_on(model) == 0
    assert not any("attention/2" in record for record in scalars(tmp_path))


def test_measuring_does_not_change_the_form(tmp_path, monkeypatch):
    forms, form_for = [], select_form.form_for

    def spy(module: nn.Module, x: Tensor) -> str:
        forms.append((len(module._forward_hooks), form_for(module, x)))
        return forms[-1][1]

    monkeypatch.setattr(select_form, "form_for", spy)
    make_runner(tmp_path, [AttentionRatioHook(interval=2)], epochs=1).train()
    assert [form for _, form in forms[:3]] == ["cpu", "plain", "plain"]  # by the maps' sizes
    assert [hooked for hooked, _ in forms] == ([0] * 3 + [1] * 3) * 2
    assert [form for hooked, form in forms if hooked] == [form for h, form in forms if not h]
