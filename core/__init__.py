"""What every domain pack shares, from bytes to a decision with a stated error rate."""
