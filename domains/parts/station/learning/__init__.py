"""From good parts to a deployed bundle, and defects as they turn up."""
