"""Data sets of pictures with questions or captions, and the order in which they are seen."""

from .caption_dataset import PictureCaptionDataset
from .picture_sampler import PictureSampler
from .question_dataset import PictureQuestionDataset

__all__ = ["PictureCaptionDataset", "PictureQuestionDataset", "PictureSampler"]
