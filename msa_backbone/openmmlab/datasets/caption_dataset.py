"""Captioned pictures for mmengine's runner.

mmpretrain's COCOCaption dataset reads a list of {image, caption}, not COCO's json.
"""

from pathlib import Path

from mmengine.dataset import BaseDataset

from ...data.language.pictures import PictureFiles, split_in, with_files
from ...data.language.read_captions import read_captions


class PictureCaptionDataset(BaseDataset):
    """COCO's captions json, or a list of pictures with captions, see `read_captions`.

    A sample is a picture: `img_path` and `gt_caption`, all its sentences.

    Args:
        ann_file, data_root, others: of mmengine's BaseDataset.
        data_prefix: `img` is the folder with the pictures, at any depth.

    Raises:
        DataError: what is wrong with the file.
    """

    def __init__(
        self,
        ann_file: str,
        data_root: str = "",
        data_prefix: dict = {"img": ""},  # noqa: B006 (never changed)
        **others: object,
    ) -> None:
        super().__init__(ann_file, data_root=data_root, data_prefix=data_prefix, **others)

    def load_data_list(self) -> list[dict]:
        """What pipelines start from, for every picture."""
        source, folder = Path(self.ann_file), Path(self.data_prefix["img"])
        pictures = PictureFiles(folder)
        return [
            {"img_path": str(folder / record.image), "gt_caption": list(record.texts)}
            for record in with_files(read_captions(source), pictures, split_in(source.name), source)
        ]

    def texts(self) -> list[str]:
        """What a vocabulary is learned from."""
        infos = (self.get_data_info(index) for index in range(len(self)))
        return [text for info in infos for text in info["gt_caption"]]
