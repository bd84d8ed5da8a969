"""A trained mmdet, mmseg or mmpretrain model as a function from pictures to predictions."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.registry import DATASETS, TRANSFORMS, init_default_scope
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from ..config.classes import set_num_classes
from ..config.language.words import recall_words
from ..config.options import drop_pretrained, unsync_norms
from ..config.rehearse import check_checkpoint, rehearse
from ..config_nodes import innermost, type_name
from ..files.checkpoints import read_checkpoint
from ..files.images import read_image
from ..files.loaded_modalities import absent_modalities, loaded_modalities
from ..files.modality import channel_slices, eight_bit_modalities
from ..files.modality_files import read_scene
from ..palette import with_palette
from ..plots.modality_pictures import modality_pictures
from ..tasks import Task, task_of
from .answers import gather_answers
from .thresholds import read_thresholds


class Predictor:
    """Predicts on pictures as the test pipeline of a config does.

    A picture is RGB, (H, W, 3) uint8. Of several modalities it is what `read_stack` makes of their
    files; `read` reads either, and `views` gives what people can look at.

    Args:
        cfg: the config that the checkpoint was trained with; changed in place: its model gets the
            checkpoint's number of classes.
        checkpoint: a file.
        device: such as 'cpu' or 'cuda:0'.
        questions: to ask about every picture, of a model that answers questions.

    Attributes:
        task, model: what it is for, and the model in eval mode.
        modalities: that the pipeline loads, the reference first; empty for one camera.
        classes, palette: the names of the classes, or answers, and the classes' colours, (R, G, B)
            in 0..255.
        thresholds: the least score of each class that counts, as the checkpoint has them; or None.

    Raises:
        ValueError: if the checkpoint does not belong to the config, the config tests no images,
            or there is no such device.
    """

    def __init__(
        self, cfg: Config, checkpoint: str, device: str = "cpu", questions: Sequence[str] = ()
    ) -> None:
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError(f"--device {device}: torch finds no CUDA device, leave it out")
        init_default_scope(cfg.get("default_scope", "mmengine"))
        content = read_checkpoint(checkpoint)
        meta = content.get("meta", {}).get("dataset_meta") or {}
        if cfg.get("test_dataloader") is None:
            raise ValueError(f"config {cfg.filename} has no test_dataloader, so no test pipeline")
        dataset = innermost(cfg.test_dataloader.dataset)[0]
        self.task = task_of(cfg)
        self.questions = tuple(questions)
        self.classes = ()
        if self.task.has_classes:
            self.classes = _class_names(meta, dataset, checkpoint)
        palette = meta.get("palette") or ()
        self.palette = with_palette({"classes": self.classes, "palette": palette})["palette"]
        self.thresholds = read_thresholds(meta, self.classes)
        self.modalities = loaded_modalities(cfg, "test_dataloader")
        self.absent = absent_modalities(cfg)
        preprocessor = cfg.model.get("data_preprocessor") or {}
        self.black = tuple(preprocessor.get("black", ()))
        self.as_loaded = _loading(dataset, cfg.filename)
        self.pipeline = _picture_pipeline(dataset, self.task, cfg.filename)
        set_num_classes(cfg.model, len(self.classes), keep_weights=False)
        recall_words(cfg, checkpoint)
        self.model = _load_model(cfg, checkpoint, content.get("state_dict", content))
        if self.task is Task.QUESTIONS:
            self.classes = tuple(self.model.answers)
        try:
            self.model.to(device).eval()
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise ValueError(f"--device {device}: {reason}") from error

    @property
    def attentions(self) -> Mapping[str, nn.Module]:
        """The backbone's attention modules, by position; empty where it has none."""
        return getattr(self.model.backbone, "attentions", None) or {}

    @torch.no_grad()
    def __call__(
        self, pictures: Sequence[np.ndarray], names: Sequence[str]
    ) -> list[BaseDataElement]:
        """Predictions, in the pictures' own pixels, on pictures of any sizes.

        With questions, a picture's sample has them and `pred_answer` and `pred_score`, the answer's
        probability, as lists.
        """
        samples = self.model.test_step(self.inputs(pictures, names))
        return gather_answers(samples, len(self.questions)) if self.questions else samples

    def inputs(
        self, pictures: Sequence[np.ndarray], names: Sequence[str]
    ) -> dict[str, list | Tensor]:
        """A batch as the test pipeline makes it, for the model's `data_preprocessor`.

        With questions, each picture is there once for every question.
        """
        inputs = []
        for picture, name in zip(pictures, names, strict=True):
            size = picture.shape[:2]
            image = {"img_shape": size, "ori_shape": size}
            if self.modalities:
                image |= {"img": picture.copy(), "modalities": channel_slices(self.modalities)}
                image["eight_bits"] = eight_bit_modalities(picture, self.modalities)
            else:
                image["img"] = self.as_loaded(picture)
            image |= {"img_path": name, "img_id": 0}
            for asked in [{"question": text} for text in self.questions] or [{}]:
                inputs.append(self.pipeline({**image, **asked}))
        batch = {key: [item[key] for item in inputs] for key in inputs[0]}
        if not self.task.has_classes:  # mmpretrain's preprocessor for words takes a stack
            batch["inputs"] = torch.stack(batch["inputs"])
        return batch

    def read(self, path: Path) -> np.ndarray:
        """A picture from its file; of several modalities from the reference's and its partners.

        Raises:
            DataError: for a file that cannot be read, is missing or does not fit.
        """
        if not self.modalities:
            return read_image(path)
        scene = read_scene(path, self.modalities, self.absent)
        slices = channel_slices(self.modalities)
        for name in self.black:  # people see what the model gets
            scene[..., slices[name]] = 0
        return scene

    def views(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """What people see of a picture: RGB, (H, W, 3) uint8, one for each modality, by name."""
        if self.modalities:
            return modality_pictures(picture, self.modalities)
        return {"image": picture}


def _class_names(meta: Mapping, dataset: ConfigDict, checkpoint: str) -> tuple[str, ...]:
    """The checkpoint's own names of its classes; older ones have none: then the dataset's."""
    known = dataset.get("metainfo") or getattr(DATASETS.get(dataset.type), "METAINFO", {})
    names = tuple(meta.get("classes") or known.get("classes") or ())
    if not names:
        raise ValueError(
            f"neither {checkpoint} nor its config names the classes: give them with "
            "--cfg-options test_dataloader.dataset.metainfo.classes=\"('a','b')\""
        )
    return names


def _loading(dataset: ConfigDict, config: str) -> Callable[[np.ndarray], np.ndarray]:
    """What the pipeline's LoadImageFromFile makes of a picture: BGR or grey, uint8 or float32."""
    steps = [step for step in dataset.pipeline if type_name(step) == "LoadImageFromFile"]
    options = steps[0] if steps else {}
    codes = {"color": cv2.COLOR_RGB2BGR, "grayscale": cv2.COLOR_RGB2GRAY}
    kind = options.get("color_type", "color")
    if kind not in codes:
        raise ValueError(
            f"config {config}: LoadImageFromFile of its test pipeline has color_type='{kind}', and "
            f"predictions know {' and '.join(codes)}: set one of them"
        )
    dtype = np.float32 if options.get("to_float32") else np.uint8
    return lambda picture: cv2.cvtColor(picture, codes[kind]).astype(dtype)


def _picture_pipeline(dataset: ConfigDict, task: Task, config: str) -> Compose:
    """The dataset's pipeline without loading: the picture is there, and nobody knows the truth."""
    names = [type_name(step) for step in dataset.pipeline]
    if names[-1] != task.pack_step:
        raise ValueError(
            f"config {config}: its test pipeline ends in {names[-1]}, not in {task.pack_step}"
        )
    kept = zip(dataset.pipeline, names, strict=True)
    loading = ("LoadImageFromFile", "LoadModalities", "LoadAnnotations")
    return Compose([TRANSFORMS.build(dict(step)) for step, name in kept if name not in loading])


def _load_model(cfg: Config, checkpoint: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    """The config's model with the checkpoint's weights, which must hold each of them."""
    drop_pretrained(cfg)
    unsync_norms(cfg)
    cfg.load_from = None  # what is checked and loaded here
    model = rehearse(cfg, ())
    check_checkpoint(model, cfg, checkpoint, None)
    model.load_state_dict({name: tensors[name] for name in model.state_dict()})
    return model
