"""Faults injected into a whole station, and what a PLC saw of them."""
