"""Bytes into a radiograph that is known to be one: decoding, display, the input gate."""
