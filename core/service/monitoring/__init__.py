"""The monitor: whether certificates still hold, and what happens when one does not."""
