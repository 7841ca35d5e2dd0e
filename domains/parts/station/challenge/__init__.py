"""The start-of-shift challenge: reference parts before parts of the line."""
