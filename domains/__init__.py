"""Domain packs that come with Assay, each registered the way a stranger's would be."""
