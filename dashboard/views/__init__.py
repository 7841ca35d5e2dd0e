"""Pages that every pack shares, and screens that a pack's own page shows."""
