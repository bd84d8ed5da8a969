"""Find the score from which on a box of a class counts, on the validation pictures; see --help."""

from msa_backbone.cli.find_thresholds import main

if __name__ == "__main__":
    main()
