"""How long a picture takes in every runtime, plain VGG16 against ours; see --help."""

from msa_backbone.cli.latency import main

if __name__ == "__main__":
    main()
