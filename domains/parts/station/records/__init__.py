"""What a station keeps: parts, overrides, and for how long."""
