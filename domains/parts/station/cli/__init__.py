"""`assay parts station`: its commands."""
