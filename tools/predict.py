"""Predict with a trained model on images, folders, patterns, videos or a camera; see --help."""

from msa_backbone.cli.predict import main

if __name__ == "__main__":
    main()
