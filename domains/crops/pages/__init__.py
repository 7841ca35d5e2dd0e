"""The farmer's pages."""
