"""Domain packs that come with Assay, each registered as anybody's would be."""
