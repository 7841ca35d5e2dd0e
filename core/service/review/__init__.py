"""Reviewing cases, and the dashboard that it happens in."""
