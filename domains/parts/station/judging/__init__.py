"""Judging a part: what its frames say, the fail-safe rule, and putting it on record."""
