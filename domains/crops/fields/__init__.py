"""A farmer's fields: what was sent of each, and what came of it."""
