"""Opening, archiving, certifying and signing bundles."""
