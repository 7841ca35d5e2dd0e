"""Labelled data as training and evaluation use it: pictures, labels, leakage, checks."""
