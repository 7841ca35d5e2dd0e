"""What was sent of a field, counted once and not at every drawing of the page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.service.intake.resumable import Batch, BatchLimits, Upload
from domains.crops.fields.photo_job import is_photo


@dataclass(frozen=True, slots=True)
class SentFiles:
    """Files that have arrived whole.

    Attributes:
        photos: How many photos and archives of them.
        mosaics: The others.
    """

    photos: int
    mosaics: tuple[Upload, ...]


def sent_files(folder: Path) -> SentFiles:
    """Return what has arrived in the folder of a field's uploads."""
    if not folder.exists():
        return SentFiles(0, ())
    # Each arrival makes or renames a file of the folder, which sets its time.
    return _sent(str(folder), folder.stat().st_mtime_ns)


@st.cache_resource(max_entries=8, show_spinner=False)
def _sent(folder: str, stamp: int) -> SentFiles:  # noqa: ARG001 - the stamp is part of the key
    photos, mosaics = 0, []
    for upload in Batch(Path(folder), BatchLimits()).uploads():
        if is_photo(upload):
            photos += 1
        elif upload.is_complete:
            mosaics.append(upload)
    return SentFiles(photos, tuple(mosaics))
