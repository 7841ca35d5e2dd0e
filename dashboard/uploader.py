"""Files chosen or dropped in the browser, sent in pieces; what waits survives being offline.

Streamlit's own widget keeps every file in memory, twice, and starts anew when the network drops.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.service.intake.resumable import Batch
from dashboard.upload import GRANTS

_HERE = Path(__file__).parent

ENGLISH: Mapping[str, str] = {
    "choose": "Choose files",
    "folder": "Choose a folder",
    "camera": "Take a photo",
    "drop": "or drop files, a folder or a zip here",
    "progress": "{done} of {total} files have arrived",
    "offline": "No network: the files wait here and go on by themselves.",
    "failed": "{name}: {why}",
}
"""The words of the component, with the values that it fills in."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """How far the files of this browser are.

    Attributes:
        done: How many have arrived.
        failed: How many were refused.
        total: How many were chosen.
    """

    done: int
    failed: int
    total: int

    @property
    def is_over(self) -> bool:
        """Whether none is under way."""
        return self.done + self.failed == self.total


def take_files(
    batch: Batch,
    *,
    key: str,
    accept: str,
    words: Mapping[str, str] = ENGLISH,
    is_right_to_left: bool = False,
) -> Arrived | None:
    """Return how far the files are that were chosen here; None before the first.

    Args:
        batch: Where they go.
        key: Names the place on the page; one batch has the same one.
        accept: What the browser's dialog offers, such as ``image/*,.zip``; anything can be sent.
        words: As ``ENGLISH``, in the language of the page.
        is_right_to_left: Whether its lines run from right to left.
    """
    mount = st.components.v2.component(
        "assay_uploader",
        html='<div class="uploader"></div>',
        css=(_HERE / "uploader.css").read_text(),
        js=(_HERE / "uploader.js").read_text(),
    )
    address = GRANTS.grant(lambda: batch, str(batch.folder))
    data = {
        "address": address,
        "batch": key,
        "accept": accept,
        "words": dict(words),
        "direction": "rtl" if is_right_to_left else "ltr",
    }
    result = mount(key=f"uploader-{key}", data=data, on_arrived_change=lambda: None)
    arrived = result.arrived
    return Arrived(arrived["done"], arrived["failed"], arrived["total"]) if arrived else None
