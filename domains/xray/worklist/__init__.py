"""What waits, in which order, and what a person is told of it."""
