"""Training: from labelled pictures to a bundle."""
