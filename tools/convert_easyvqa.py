"""Convert easy-VQA to images and VQA v2's jsons, with a val split of a tenth of the pictures."""

import argparse
from pathlib import Path

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.data.language.easyvqa import convert_easyvqa


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the folder 'data' of its repository")
    parser.add_argument("out", type=Path, nargs="?", default=Path("data/easyvqa"))
    args = parser.parse_args()
    with one_line_errors():
        for split, (pictures, questions) in convert_easyvqa(args.source, args.out).items():
            print(f"{split}: {questions} questions about {pictures} pictures")


if __name__ == "__main__":
    main()
