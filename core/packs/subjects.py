"""What the pictures of a pack may show, where whoever sends them may name it: a crop, an organ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subjects:
    """How the subject of a picture is read out of labels and products.

    A subject that is named restricts the labels to its own, and is checked against the picture.

    Attributes:
        noun: The word for a subject: ``crop``.
        of_label: Subject of a label (``tomato`` of ``tomato_early_blight``); empty where the label
            may stand for any.
        of_product: Subject that a product names (``tomato`` of ``tomato/north field``); empty for
            none.
    """

    noun: str
    of_label: Callable[[str], str]
    of_product: Callable[[str], str]
