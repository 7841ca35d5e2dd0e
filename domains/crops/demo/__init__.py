"""The pack's part of `assay demo`: everything in it is rendered, and marked as such."""
