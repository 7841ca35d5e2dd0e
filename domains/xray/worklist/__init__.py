"""What waits, in which order, and what a person sees of it."""
