"""The store as a whole: moved to another engine, kept as a backup, brought back."""
