"""Questions about pictures for mmengine's runner.

mmpretrain's COCOVQA finds only pictures whose names are twelve digits.
"""

from collections import Counter
from pathlib import Path

from mmengine.dataset import BaseDataset

from ...data.language.pictures import PictureFiles, split_in, with_files
from ...data.language.read_questions import most_given, ranked, read_questions


class PictureQuestionDataset(BaseDataset):
    """VQA v2's pair of jsons, or a list of questions with answers, see `read_questions`.

    A sample has `img_path`, `question`, `gt_answer`, the different answers, `gt_answer_weight`, the
    share of the people who gave each, `question_id`, `question_type`, `answer_type`, and `boxes` of
    what the question names, if the file has them.

    Args:
        ann_file: VQA v2's annotations, or the list of both.
        question_file: VQA v2's questions, below `data_root` like `ann_file`.
        data_prefix: `img` is the folder with the pictures, at any depth.
        others: of mmengine's BaseDataset.

    Raises:
        DataError: what is wrong with the files.
    """

    def __init__(
        self,
        ann_file: str,
        question_file: str = "",
        data_root: str = "",
        data_prefix: dict = {"img": ""},  # noqa: B006 (never changed)
        **others: object,
    ) -> None:
        self.question_file = str(Path(data_root, question_file)) if question_file else ""
        super().__init__(ann_file, data_root=data_root, data_prefix=data_prefix, **others)

    def load_data_list(self) -> list[dict]:
        """What pipelines start from, for every question."""
        source = Path(self.question_file or self.ann_file)
        questions = read_questions(source, Path(self.ann_file) if self.question_file else None)
        folder = Path(self.data_prefix["img"])
        samples = []
        for question in with_files(questions, PictureFiles(folder), split_in(source.name), source):
            counts = Counter(question.answers)
            samples.append(
                {
                    "img_path": str(folder / question.image),
                    "question": question.text,
                    "question_id": question.number,
                    "question_type": question.question_type,
                    "answer_type": question.answer_type,
                    "boxes": question.boxes,
                    "gt_answer": list(counts),
                    "gt_answer_weight": [n / counts.total() for n in counts.values()],
                    "most_given": most_given(question) if question.answers else "",
                }
            )
        return samples

    def texts(self) -> list[str]:
        """What a vocabulary is learned from."""
        return [self.get_data_info(index)["question"] for index in range(len(self))]

    def answers(self, most: int | None = None) -> list[str]:
        """What questions were answered, the most frequent first.

        Args:
            most: so many at most, as VQA v2 has thousands that occur once.
        """
        infos = (self.get_data_info(index) for index in range(len(self)))
        return ranked((info["most_given"] for info in infos if info["most_given"]), most)
