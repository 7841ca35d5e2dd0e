"""From scores to verdicts: pure functions on arrays, with NumPy and SciPy alone."""
