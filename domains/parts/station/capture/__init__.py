"""Cameras, what triggers them, and which part a frame shows."""
