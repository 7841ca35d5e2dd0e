"""Labelled pictures: a folder per class, a CSV, or a manifest with splits and groups."""

from core.labelled.reading import read_labelled
from core.labelled.rows import SPLITS, Row, lone_group

__all__ = ["SPLITS", "Row", "lone_group", "read_labelled"]
