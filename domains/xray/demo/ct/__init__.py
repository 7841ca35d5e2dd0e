"""Radiographs computed from a chest CT: for trying things out, never as evidence."""
