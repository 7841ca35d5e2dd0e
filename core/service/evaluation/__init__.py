"""Evaluating a bundle on labelled pictures, and the report about it."""
