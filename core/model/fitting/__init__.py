"""Fitting estimators to labelled features."""
