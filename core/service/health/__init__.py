"""What a machine asks of a running Assay: whether it works, and how far the work is."""
