"""Export a trained model to one file, from picture to result; see --help."""

from msa_backbone.cli.export import main

if __name__ == "__main__":
    main()
