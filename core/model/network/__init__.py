"""Networks: architectures, weights, precision, and how they run."""
