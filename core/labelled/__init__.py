"""Labelled pictures: class folders, a CSV, or a manifest with splits and groups."""

from core.labelled.dataset import read_labelled
from core.labelled.layout import Form
from core.labelled.rows import SPLITS, Labelled, Row, describe_data_set, lone_group
from core.labelled.spelling import group_key, plain

__all__ = [
    "SPLITS",
    "Form",
    "Labelled",
    "Row",
    "describe_data_set",
    "group_key",
    "lone_group",
    "plain",
    "read_labelled",
]  # fmt: skip
