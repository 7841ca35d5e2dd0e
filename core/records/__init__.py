"""What happened, kept so that it can be proved and done again: rows, blobs, audit log, worklist."""
