"""Fitted estimators as frozen arrays: heads, calibrated model, out-of-distribution gate."""
