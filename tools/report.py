"""Report on a training: one HTML file that opens from the disk, without a network.

The checkpoint is evaluated on the validation data. The report holds curves, scores, precision and
recall, a confusion matrix, the best and the worst images with truth beside prediction, what
attention looks at, the config and the environment.

Examples:
  tools/report.py work_dirs/demo
  tools/report.py work_dirs/demo --checkpoint work_dirs/demo/epoch_1.pth --out epoch_1.html
"""

import argparse
from pathlib import Path

from msa_backbone.cli.arguments import add_config_options, require_at_least
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.files.whole_files import write_whole


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work_dir", type=Path, help="of a training by tools/train.py")
    parser.add_argument("--config", type=Path, help="by default the one in the work dir")
    parser.add_argument("--checkpoint", type=Path, help="by default the last one")
    parser.add_argument("--out", type=Path, help="the file (default: WORK_DIR/report.html)")
    parser.add_argument(
        "--images", type=int, default=4, help="of the best and of the worst (default: 4)"
    )
    parser.add_argument("--score-thr", type=float, default=0.3, help="of boxes (default: 0.3)")
    parser.add_argument("--device", default="cpu", help="such as cuda:0 (default: cpu)")
    parser.add_argument(
        "--data", metavar="ROOT", help="where the folder is now that the training had with --data"
    )
    parser.add_argument("--classes", nargs="+", help="with --data: as the training had them")
    add_config_options(parser)
    args = parser.parse_args()
    from msa_backbone.report.build import make_report
    from msa_backbone.report.render import render
    from msa_backbone.report.run_files import find_run

    with one_line_errors():
        require_at_least(0, args, "images")
        out = args.out or args.work_dir / "report.html"
        if out.is_dir():
            raise ValueError(
                f"--out {out}: is a folder; name a file, such as {out / 'report.html'}"
            )
        run = find_run(args.work_dir, args.config, args.checkpoint)
        report = make_report(
            run,
            args.images,
            args.score_thr,
            args.device,
            args.cfg_options,
            data=args.data,
            classes=args.classes,
        )
        write_whole(out, render(report))
    print(f"report: {out} ({out.stat().st_size / 2**20:.1f} MiB)")


if __name__ == "__main__":
    main()
