"""What a model found in a picture, as plain arrays with names: no torch, no toolbox."""
