"""Pictures to learn from, by address; each is decoded in the sandbox when it is asked for."""

from __future__ import annotations

from pathlib import Path

from core.records import blobs
from core.service.review.review import ReviewSession
from dashboard.offered import OFFERS
from dashboard.overlay import picture_of
from domains.parts import pack


def kept(session: ReviewSession, sha256: str) -> str:
    """Return the address of a picture in the store."""
    return OFFERS.put(
        f"kept {sha256}", lambda: _drawn(session, blobs.get(session.store.blobs, sha256))
    )


def filed(session: ReviewSession, file: Path) -> str:
    """Return the address of a picture in a folder, whose name holds its digest."""
    return OFFERS.put(f"file {file}", lambda: _drawn(session, file.read_bytes()))


def _drawn(session: ReviewSession, data: bytes) -> bytes:
    return picture_of(session.explainer.view(pack.name, data))
