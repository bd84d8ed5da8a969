"""Show what a config trains on: images after its pipeline, and histograms of classes and sizes."""

from pathlib import Path

from msa_backbone.cli.arguments import require_at_least
from msa_backbone.cli.errors import one_line_errors
from msa_backbone.cli.run_arguments import run_parser
from msa_backbone.config.load import apply_options, load_config
from msa_backbone.training.console import quiet_libraries, sorted_prints


def main() -> None:
    parser = run_parser(__doc__)
    parser.add_argument("--number", type=int, default=16, help="images to draw (default: 16)")
    args = parser.parse_args()
    from msa_backbone.config.rehearse import check_data_files
    from msa_backbone.config.user_data import use_data
    from msa_backbone.training.browse_data import browse

    with quiet_libraries(), sorted_prints(), one_line_errors():
        require_at_least(1, args, "number")
        cfg = load_config(args.config, args.work_dir, args.cfg_options, "browse")
        data = use_data(cfg, args.data, args.classes)
        apply_options(cfg, args.cfg_options)
        if data is None:
            check_data_files(cfg, "train_dataloader")
        else:
            print(*data.lines, sep="\n")
            data.write_index()
        paths = browse(cfg, Path(cfg.work_dir), args.number, args.seed or 0)
    print(*paths, sep="\n")


if __name__ == "__main__":
    main()
