"""Train and test variants of a config over seeds, and compare them: one table, one plot.

Finished runs are kept: the same command goes on where it was stopped. The first variant is the one
that the others are compared with. Each run trains one variant and tests its last checkpoint once.

Examples:
  cd configs/ablation
  ../../tools/ablation.py plain.py full.py se.py --seeds 0 1 2 --data ROOT --work-dir W
  ../../tools/ablation.py plain.py full.py --base CONFIG --fractions 0.1 0.25 0.5 1 \\
      --train-scores --data ROOT --work-dir W
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from msa_backbone.cli.arguments import add_config_options, require_at_least
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.cli.run_arguments import LAYOUTS_HELP
from msa_backbone.training.console import quiet_libraries, sorted_prints


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=LAYOUTS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "variants", nargs="+", type=Path, help="configs, e.g. configs/ablation/*.py"
    )
    parser.add_argument(
        "--base", type=Path, metavar="CONFIG", help="what the variants change, instead of their own"
    )
    parser.add_argument("--work-dir", required=True, help="where runs and results go")
    parser.add_argument("--data", metavar="ROOT", help="use this folder's data (layouts below)")
    parser.add_argument("--classes", nargs="+", help="with --data: as in tools/train.py")
    parser.add_argument("--weights", metavar="FILE", help="backbone weights, as in tools/train.py")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument(
        "--fractions",
        nargs="+",
        type=float,
        default=[1.0],
        help="parts of the training images, drawn by seed (default: 1)",
    )
    parser.add_argument(
        "--train-scores", action="store_true", help="score the images of the training as well"
    )
    parser.add_argument("--metric", help="the score that is compared, as the log names it")
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time (default: 1)")
    parser.add_argument("--threads", type=int, help="of the CPU, for each run")
    parser.add_argument(
        "--rounds", type=int, default=20, help="timed rounds of the costs; 0 leaves them out"
    )
    parser.add_argument(
        "--subsets",
        nargs="+",
        type=parse_subset,
        default=[],
        metavar="NAME=PATTERN",
        help="test images, by name or path, to compare on alone: night='*N.png'",
    )
    parser.add_argument(
        "--failures",
        action="store_true",
        help="several cameras: test every run again with each of them absent, and black",
    )
    add_config_options(parser)
    return parser.parse_args()


def parse_subset(text: str) -> tuple[str, str]:
    """'night=*N.png' as ('night', '*N.png')."""
    name, _, pattern = text.partition("=")
    if not (name and pattern):
        raise argparse.ArgumentTypeError(f"{text!r}: write NAME=PATTERN, such as night='*N.png'")
    return name, pattern


def main() -> None:
    args = parse_args()
    from msa_backbone.ablation.failures import failures_of, require_cameras, run_failure
    from msa_backbone.ablation.processes import run_in_processes
    from msa_backbone.ablation.results import write_results
    from msa_backbone.ablation.runs import (
        Run,
        Settings,
        list_runs,
        modules_of,
        read_result,
        run_once,
    )
    from msa_backbone.ablation.variants import name_variants, split_options, write_variants

    with quiet_libraries(), sorted_prints(), one_line_errors():
        variants = name_variants(args.variants)
        options, waiting = split_options(args.cfg_options, args.data)
        settings = Settings(
            args.work_dir,
            args.data,
            tuple(args.classes) if args.classes else None,
            args.weights,
            args.train_scores,
            waiting,
        )
        runs = list_runs(variants, args.fractions, args.seeds)
        require_at_least(1, args, "jobs", "threads")
        require_at_least(0, args, "rounds")
        scope, found = write_variants(variants, args.base, settings, options)
        if args.failures:
            require_cameras(runs, settings)
        for line in found:
            print(line, flush=True)

        def complete(some: Sequence[Run], task: Callable[[Run, Settings], None]) -> dict[str, str]:
            """Do what is left of some runs; return those that failed."""
            to_do = [run for run in some if read_result(run, settings) is None]
            return run_in_processes(
                {str(run): partial(task, run, settings) for run in to_do},
                {str(run): run.folder(settings) / "log.txt" for run in to_do},
                args.jobs,
                partial(print, flush=True),
                args.threads,
                modules_of(scope),
                Path(args.work_dir, "server.txt"),
            )

        failed = complete(runs, run_once)
        if args.failures:
            trained = [run for run in runs if str(run) not in failed]
            tests = [test for run in trained for test in failures_of(run, settings)]
            failed |= complete(tests, run_failure)
            runs += tests
        print(write_results(runs, settings, args.metric, args.rounds, dict(args.subsets)))
    if failed:
        sys.exit(f"error: {len(failed)} of {len(runs)} runs failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
