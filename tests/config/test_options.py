"""Each edit of a config changes what it names and leaves the rest."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import CheckpointHook
from mmengine.model import PretrainedInit
from mmengine.optim import AmpOptimWrapper, OptimWrapper, build_optim_wrapper
from mmengine.visualization import LocalVisBackend

from msa_backbone.config import options
from msa_backbone.openmmlab.cpu_amp_optim_wrapper import CPUAmpOptimWrapper
from msa_backbone.openmmlab.hooks.seed_hook import SeedHook

from .toy_config import config


def test_the_report_is_added_once_and_finds_its_log():
    cfg = config()
    cfg.visualizer = {
        "type": "DetLocalVisualizer",
        "vis_backends": [{"type": "TensorboardVisBackend"}],
    }
    for _ in range(2):  # the second time as from a dumped config
        options.add_report(cfg)
        assert [hook.type for hook in cfg.custom_hooks] == ["ReportHook"]
        kinds = [backend.type for backend in cfg.visualizer.vis_backends]
        assert kinds == ["TensorboardVisBackend", "LocalVisBackend"]
    bare = config()
    options.add_report(bare)
    assert bare.visualizer.vis_backends == [{"type": "LocalVisBackend"}]


def test_a_run_is_made_resumable_once_and_keeps_the_hooks_options():
    cfg = config()
    cfg.default_hooks = {"checkpoint": {"type": "CheckpointHook", "interval": 3}}
    cfg.custom_hooks = [{"type": "EMAHook"}]
    cfg.train_dataloader.persistent_workers = True
    for _ in range(2):
        options.make_resumable(cfg)
    assert cfg.default_hooks.checkpoint == {"type": "AtomicCheckpointHook", "interval": 3}
    assert [hook.type for hook in cfg.custom_hooks] == ["EMAHook", "SeedHook"]
    assert cfg.train_dataloader.persistent_workers is False


@pytest.mark.parametrize("kind", [CheckpointHook, "mmengine.CheckpointHook", "CheckpointHook"])
def test_hooks_and_backends_are_known_however_their_type_is_written(kind):
    cfg = config()
    cfg.default_hooks = {"checkpoint": {"type": kind, "interval": 3}}
    cfg.custom_hooks = [{"type": SeedHook}, {"type": "mmengine.ReportHook"}]
    cfg.visualizer = {"type": "Visualizer", "vis_backends": [{"type": LocalVisBackend}]}
    options.make_resumable(cfg)
    options.add_report(cfg)
    assert cfg.default_hooks.checkpoint == {"type": "AtomicCheckpointHook", "interval": 3}
    assert len(cfg.custom_hooks) == 2 and len(cfg.visualizer.vis_backends) == 1


@pytest.mark.parametrize("kind", ["mmengine.SyncBN", torch.nn.SyncBatchNorm])
def test_synchronised_norms_are_known_however_their_type_is_written(kind):
    cfg = config()
    cfg.model.neck = {"type": "FPN", "norm_cfg": {"type": kind}}
    options.unsync_norms(cfg)
    assert cfg.model.neck.norm_cfg.type == "BN"


@pytest.mark.parametrize("hooks", [None, {"checkpoint": None}, {"checkpoint": {"type": "Mine"}}])
def test_other_ways_to_save_checkpoints_stay(hooks):
    cfg = config() if hooks is None else Config({**config().to_dict(), "default_hooks": hooks})
    options.make_resumable(cfg)
    saved = cfg.default_hooks.checkpoint
    if hooks is None:  # mmengine's default: a checkpoint an epoch
        assert saved == {"type": "AtomicCheckpointHook", "interval": 1}
    else:
        assert saved == hooks["checkpoint"]


def test_processes_on_cpus_ask_for_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    cfg = config()
    cfg.launcher = "pytorch"
    cfg.find_unused_parameters = True
    cfg.model.neck = {"type": "FPN", "norm_cfg": {"type": "SyncBN", "requires_grad": True}}
    options.fit_processes(cfg)
    assert cfg.model_wrapper_cfg == {
        "type": "MMDistributedDataParallel",
        "broadcast_buffers": False,
        "find_unused_parameters": True,
        "device_ids": None,
    }
    assert cfg.model.neck.norm_cfg == {"type": "BN", "requires_grad": True}
    cfg.model_wrapper_cfg = {"type": "Mine", "static_graph": True}
    options.fit_processes(cfg)
    assert cfg.model_wrapper_cfg.type == "Mine" and cfg.model_wrapper_cfg.static_graph


@pytest.mark.parametrize(("launcher", "cuda"), [("none", False), ("pytorch", True)])
def test_one_process_and_gpus_are_left_to_mmengine(launcher, cuda, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    cfg = config()
    cfg.launcher = launcher
    before = cfg.to_dict()
    options.fit_processes(cfg)
    assert cfg.to_dict() == before


def test_the_seed_leaves_other_randomness_options():
    cfg = Config({"randomness": {"seed": 1, "deterministic": True}})
    options.set_seed(cfg, 2)
    assert cfg.randomness == {"seed": 2, "deterministic": True}


def test_weights_fill_the_backbone_and_the_vgg_head():
    cfg = config()
    cfg.model.roi_head.bbox_head = {"type": "mmengine.VGGBBoxHead", "init_cfg": None}
    cfg.model.pretrained = "open-mmlab://resnet50_v1c"
    cfg.model.data_preprocessor = {"mean": [1, 2, 3], "std": [1, 1, 1], "bgr_to_rgb": True}
    fed = options.set_backbone_weights(cfg, "vgg16.pth")
    assert "RGB, mean [1, 2, 3], std [1, 1, 1]" in fed
    assert cfg.model.pretrained is None
    assert cfg.model.backbone.init_cfg == {"type": "Pretrained", "checkpoint": "vgg16.pth"}
    assert cfg.model.roi_head.bbox_head.init_cfg.checkpoint == "vgg16.pth"
    cfg.model.pretrained = "open-mmlab://resnet50_v1c"
    options.drop_pretrained(cfg)
    assert cfg.model.pretrained is None
    assert cfg.model.backbone.init_cfg is None
    assert cfg.model.roi_head.bbox_head.init_cfg is None


def test_weights_of_several_modalities_are_fed_the_reference():
    cfg = config()
    visible = {"name": "visible", "channels": 3, "mean": [1, 2, 3], "std": 4, "bgr_to_rgb": True}
    infrared = {"name": "infrared", "channels": 1, "mean": 5, "std": 6}
    cfg.model.data_preprocessor = {"modalities": [visible, infrared]}
    fed = options.set_backbone_weights(cfg, "vgg16.pth")
    assert "RGB, mean [1, 2, 3], std 4;" in fed


@pytest.mark.parametrize("kind", ["Pretrained", "mmengine.Pretrained", PretrainedInit])
def test_files_to_start_from_are_forgotten_however_their_type_is_written(kind):
    cfg = config()
    cfg.model.backbone.init_cfg = [{"type": "Kaiming"}, {"type": kind, "checkpoint": "a.pth"}]
    options.drop_pretrained(cfg)
    assert cfg.model.backbone.init_cfg is None


@pytest.mark.parametrize(
    ("cuda", "bfloat16", "expected", "said"),
    [
        (True, False, "AmpOptimWrapper", "float16 on CUDA"),
        (False, True, "CPUAmpOptimWrapper", "bfloat16 on the CPU"),
        (False, False, "OptimWrapper", "computing in float32"),
    ],
)
def test_mixed_precision_fits_the_device(monkeypatch, cuda, bfloat16, expected, said):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(options, "cpu_computes_in_bfloat16", lambda: bfloat16)
    cfg = config()
    before = cfg.optim_wrapper.to_dict()
    assert said in options.set_mixed_precision(cfg)
    assert cfg.optim_wrapper.type == expected
    assert cfg.optim_wrapper.optimizer.lr == 0.1
    assert (cfg.optim_wrapper.to_dict() == before) == (expected == "OptimWrapper")


def test_a_config_made_for_mixed_precision_on_cuda_works_on_a_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for bfloat16, kind, expected in (
        (True, "AmpOptimWrapper", CPUAmpOptimWrapper),
        (False, "AmpOptimWrapper", OptimWrapper),
        (False, "mmengine.AmpOptimWrapper", OptimWrapper),
        (False, AmpOptimWrapper, OptimWrapper),
    ):
        monkeypatch.setattr(options, "cpu_computes_in_bfloat16", lambda b=bfloat16: b)
        cfg = config()
        cfg.optim_wrapper.update(type=kind, loss_scale="dynamic", dtype="float16")
        options.set_mixed_precision(cfg)
        wrapper = build_optim_wrapper(torch.nn.Linear(2, 2), cfg.optim_wrapper)
        assert type(wrapper) is expected


@pytest.mark.parametrize("kind", ["AmpOptimWrapper", "mmengine.AmpOptimWrapper", AmpOptimWrapper])
def test_mixed_precision_of_a_gpu_is_refused_on_a_cpu(kind, monkeypatch):
    cfg = config()
    options.check_precision(cfg)
    cfg.optim_wrapper.type = kind
    for device in ("cuda", "npu"):
        monkeypatch.setattr(options, "get_device", lambda device=device: device)
        options.check_precision(cfg)
    monkeypatch.setattr(options, "get_device", lambda: "cpu")
    with pytest.raises(ValueError, match="is AmpOptimWrapper, which needs a GPU: give OptimWrapp"):
        options.check_precision(cfg)


def test_cpus_with_vector_bfloat16_are_told_apart():
    capability = torch.backends.cpu.get_cpu_capability()
    if capability.startswith("AVX") and torch.backends.mkldnn.is_available():
        assert options.cpu_computes_in_bfloat16() == capability.startswith("AVX512")


def test_auto_scale_lr_needs_the_base_batch_size():
    cfg = config()
    for given in ({}, {"auto_scale_lr": None}):
        cfg.update(given)
        with pytest.raises(ValueError, match="base_batch_size"):
            options.enable_auto_scale_lr(cfg)
    cfg.auto_scale_lr = {"enable": False, "base_batch_size": 16}
    options.enable_auto_scale_lr(cfg)
    assert cfg.auto_scale_lr.enable


COSINE = {"type": "CosineAnnealingLR", "T_max": 5, "by_epoch": True, "convert_to_iter_based": True}
WARM_UP = {"type": "LinearLR", "start_factor": 0.01, "by_epoch": False, "end": 100}


STEPS = {"type": "MultiStepLR", "milestones": [8, 11], "begin": 0, "end": 12, "by_epoch": True}
POLY = {"type": "mmseg.PolyLR", "begin": 0, "end": 500, "by_epoch": False}


@pytest.mark.parametrize(
    ("schedules", "length", "mend"),
    [
        ([WARM_UP, COSINE], {"max_epochs": 2}, "param_scheduler.1.T_max=2"),
        (COSINE, {"max_epochs": 7}, "param_scheduler.T_max=7"),
        ([WARM_UP, STEPS], {"max_epochs": 6}, "param_scheduler.1.end=6 and milestones"),
        ([POLY], {"max_iters": 50}, "param_scheduler.0.end=50"),
        (
            [{**COSINE, "begin": 4, "end": 9}],
            {"max_epochs": 7},
            "param_scheduler.0.end=7 param_scheduler.0.T_max=3",
        ),
    ],
)
def test_a_schedule_of_another_length_is_told(schedules, length, mend):
    cfg = Config({"train_cfg": length, "param_scheduler": schedules})
    (note,) = options.schedule_notes(cfg)
    assert note.endswith(f"--cfg-options {mend}")
    assert f"the training at {next(iter(length.values()))} ({next(iter(length))})" in note


@pytest.mark.parametrize(
    ("schedules", "training"),
    [
        ([WARM_UP, COSINE], {"max_epochs": 5}),
        ([WARM_UP], {"max_iters": 500}),  # then constant
        ([POLY], {"max_iters": 500}),
        ([{"type": "MultiStepLR", "milestones": [8, 11]}], {"max_epochs": 12}),
        ([{"type": "CosineAnnealingLR", "begin": 20}], {"max_epochs": 300}),  # mmengine ends it
        # YOLOX's: a cosine, then constant until the end.
        (
            [
                {**COSINE, "T_max": 285, "end": 285},
                {"type": "ConstantLR", "begin": 285, "end": 300},
            ],
            {"max_epochs": 300},
        ),
        ([{"type": "OneCycleLR", "total_steps": 90}], {"max_epochs": 3}),
        (None, {"max_epochs": 5}),
        ([COSINE], None),
    ],
)
def test_a_schedule_that_fits_is_no_matter(schedules, training):
    cfg = Config({"train_cfg": training, "param_scheduler": schedules})
    assert options.schedule_notes(cfg) == []


EPOCHS, ITERS = {"max_epochs": 2}, {"max_iters": 500}


@pytest.mark.parametrize(
    ("training", "saving", "steps", "told"),
    [
        (EPOCHS, {"interval": 1}, 1, ""),
        (ITERS, {"interval": 50, "by_epoch": False}, 1, ""),
        (EPOCHS, {"interval": 50, "by_epoch": False}, 1, "begins this epoch anew; without default"),
        (EPOCHS, {"interval": 1}, 2, "with the steps of an epoch a multiple of 2"),
        (ITERS, {"interval": 50, "by_epoch": False}, 4, "interval a multiple of 4"),
        (ITERS, {"interval": 50, "by_epoch": False}, 2, ""),
        (ITERS, None, 1, ""),
    ],
)
def test_what_a_resumed_run_loses_is_told(training, saving, steps, told):
    wrapper = {"type": "OptimWrapper", "accumulative_counts": steps}
    hooks = {"checkpoint": saving}
    cfg = Config({"train_cfg": training, "optim_wrapper": wrapper, "default_hooks": hooks})
    notes = options.resumption_notes(cfg)
    assert len(notes) == bool(told) and told in "".join(notes)


def test_the_shipped_schedules_are_as_long_as_the_trainings():
    configs = Path(__file__).parents[2].joinpath("configs").rglob("*_*xb*.py")
    notes = {path.stem: options.schedule_notes(Config.fromfile(path)) for path in configs}
    assert len(notes) >= 40 and not any(notes.values()), notes
