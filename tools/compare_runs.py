"""Compare trainings: one score of each over time, as a picture and as a table.

Example: tools/compare_runs.py random=work_dirs/a ImageNet=work_dirs/b,work_dirs/c --metric mIoU
"""

import argparse
from pathlib import Path

from msa_backbone.cli.errors import one_line_errors
from msa_backbone.plots.comparison import compare, read_scores


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "runs", nargs="+", metavar="NAME=WORK_DIR", help="work dirs of several seeds: A,B,C"
    )
    parser.add_argument("--metric", default="mIoU", help="as the log names it (default: mIoU)")
    parser.add_argument("--out", type=Path, default=Path("comparison.png"), help="the picture")
    args = parser.parse_args()
    with one_line_errors():
        runs = {}
        for run in args.runs:
            name, equals, work_dirs = run.partition("=")
            if not equals:
                raise ValueError(f"{run}: give NAME=WORK_DIR")
            if name in runs:
                raise ValueError(f"{run}: {name} is named twice; give its work dirs as A,B")
            runs[name] = [read_scores(Path(path), args.metric) for path in work_dirs.split(",")]
        print(compare(runs, args.metric, args.out))


if __name__ == "__main__":
    main()
