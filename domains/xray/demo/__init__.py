"""The lane of `assay demo`."""
