"""Exporting a bundle for other programs, written only after it has proved itself."""
