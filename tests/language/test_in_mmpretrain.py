"""mmpretrain's runner trains and tests both models, and its VQAAcc scores the answers."""

import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.runner import Runner

pytest.importorskip("mmpretrain")
pytest.importorskip("tokenizers")

from mmengine.registry import DATASETS
from mmpretrain.structures import DataSample

from msa_backbone.files.checkpoints import read_state_dict


@DATASETS.register_module(force=True)
class _ScenesOfTheTests(BaseDataset):
    """Pictures and samples as mmpretrain's PackInputs leaves them."""

    def __init__(self, images, samples) -> None:
        self.images, self.samples = images, samples
        super().__init__(serialize_data=False)

    def load_data_list(self) -> list[dict]:
        return [{"number": number} for number in range(len(self.images))]

    def __getitem__(self, number: int) -> dict:
        old = self.samples[number]
        sample = DataSample()
        for field in ("question", "gt_answer", "gt_caption"):
            sample.set_field(old.get(field), field)
        return {"inputs": self.images[number], "data_samples": sample}


def run(model: dict, scenes, work_dir, evaluator, **options) -> tuple[Runner, dict]:
    def loader(count: int, seed: int, shuffle: bool) -> dict:
        images, samples = scenes(count, seed=seed)
        return {
            "dataset": {"type": "_ScenesOfTheTests", "images": images, "samples": samples},
            "batch_size": 16, "num_workers": 0, "collate_fn": {"type": "default_collate"},
            "sampler": {"type": "DefaultSampler", "shuffle": shuffle},
        }  # fmt: skip

    runner = Runner(
        model={
            **model,
            "data_preprocessor": {
                "type": "mmpretrain.MultiModalDataPreprocessor", "mean": [0.3] * 3, "std": [0.5] * 3
            },
        },
        work_dir=str(work_dir),
        train_dataloader=loader(96, 0, True),
        train_cfg={"by_epoch": True, "max_epochs": 12},
        optim_wrapper={"optimizer": {"type": "Adam", "lr": 3e-3}},
        test_dataloader=loader(50, 1, False),
        test_cfg={},
        test_evaluator=evaluator,
        default_scope="mmpretrain",
        experiment_name=work_dir.name,
        randomness={"seed": 0},
        **options,
    )  # fmt: skip
    runner.train()
    return runner, runner.test()


BACKBONE = {
    "type": "MSAVGG", "depth": 11, "base_channels": 8, "num_stages": 3, "out_indices": (2,),
    "norm_cfg": {"type": "BN"}, "attention_positions": (5, 10), "zero_init": False,
}  # fmt: skip


def test_answers_are_scored_by_vqa_acc(scenes, vocabulary, answers, tmp_path):
    listening = {"type": "LanguageConditionedAttention", "text_channels": 16, "reduction_ratio": 4}
    model = {
        "type": "MSAAnswerer", "vocabulary": vocabulary, "answers": answers,
        "backbone": {**BACKBONE, "attention": listening}, "pool_size": 2,
        "text_encoder": {"type": "GRUTextEncoder", "channels": 16},
    }  # fmt: skip
    runner, metrics = run(model, scenes, tmp_path, {"type": "VQAAcc"})
    images, samples = scenes(50, seed=1)
    with torch.no_grad():
        predicted = runner.model.eval()((images.to("cpu") - 0.3) / 0.5, samples, mode="predict")
    right = sum(sample.pred_answer == sample.gt_answer for sample in predicted)
    assert metrics["VQA/acc"] == pytest.approx(100 * right / 50)
    assert right > 25  # guessing from the question alone gives 18
    saved = read_state_dict(tmp_path / "epoch_12.pth")
    assert bytes(saved["tokenizer.text.utf8"].tolist()).decode() == vocabulary


def test_captions_are_written_in_its_runner(scenes, tmp_path):
    from mmengine.evaluator import BaseMetric

    from msa_backbone.language import train_vocabulary

    class Exact(BaseMetric):
        def process(self, data_batch, data_samples) -> None:
            self.results += [s["pred_caption"] == s["gt_caption"] for s in data_samples]

        def compute_metrics(self, results) -> dict:
            return {"exact": sum(results) / len(results)}

    plain = {"type": "MultiScaleAttention", "reduction_ratio": 4}
    model = {
        "type": "MSACaptioner", "vocabulary": train_vocabulary(["red green blue left of"]),
        "backbone": {**BACKBONE, "attention": plain}, "longest": 6,
        "decoder": {"channels": 32, "num_layers": 1, "dropout": 0.0},
    }  # fmt: skip
    _, metrics = run(model, scenes, tmp_path, [Exact()])
    assert metrics["exact"] > 0.3  # one of nine by chance
