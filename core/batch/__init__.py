"""Archives of millions: a source cut into parts, each judged as a whole and kept as one file."""
