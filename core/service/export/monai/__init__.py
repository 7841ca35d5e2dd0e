"""A bundle as MONAI's own programs take it, and the proof that they score as Assay does."""
