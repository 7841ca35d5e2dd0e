"""Small pictures of what was received, by the digest of their bytes."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

from PIL import Image
from sqlalchemy import select

from core.errors import UnreadableImage
from core.imaging.overlay import restore_shape
from core.records.connection import Store, reading
from core.records.row_mapping import from_row
from core.records.tables import DECISIONS
from core.records.values import StoredDecision
from core.service.review.explanations import RETAKE, Explainer
from core.types import Prepared

SIDES = (160, 320)
"""Longest sides in pixels that are offered."""

MAX_BYTES = 12 * 1024
KEPT = 2000
_QUALITIES = (80, 65, 50, 35, 20, 5)


class Thumbnails:
    """Makes small pictures and keeps the last ones; shared between threads."""

    def __init__(self, store: Store, explainer: Explainer) -> None:
        self._store, self._explainer = store, explainer
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()

    def get(self, sha256: str, side: int) -> bytes:
        """Return a picture as WebP.

        Args:
            sha256: Digest of the file that was judged.
            side: Its longest side in pixels, one of ``SIDES``.

        Raises:
            UnreadableImage: Nothing was judged under that digest, or it does not read.
            StoreError: The file is missing, or the database failed.
        """
        with self._lock:
            if (sha256, side) in self._kept:
                self._kept.move_to_end((sha256, side))
                return self._kept[sha256, side]
        made = make_thumbnail(self._explainer.picture(self._decision(sha256)), side)
        with self._lock:
            self._kept[sha256, side] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made

    def _decision(self, sha256: str) -> StoredDecision:
        query = select(DECISIONS).where(DECISIONS.c.content_key == sha256).limit(1)
        with reading(self._store) as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise UnreadableImage("No picture was judged under that address.", hint=RETAKE)
        return from_row(row)


def make_thumbnail(prepared: Prepared, side: int) -> bytes:
    """Return a picture as WebP of at most ``MAX_BYTES``, in the shape of its original.

    Args:
        prepared: The picture stretched to a square, uint8 ``h w 3``.
        side: The longest side in pixels.
    """
    picture = Image.fromarray(restore_shape(prepared.pixels, prepared.source_size))
    picture.thumbnail((side, side), Image.Resampling.BILINEAR)
    while True:
        for quality in _QUALITIES:
            file = io.BytesIO()
            picture.save(file, "WEBP", quality=quality, method=2)
            if file.tell() <= MAX_BYTES:
                return file.getvalue()
        # Noise that does not compress: half the pixels are a fourth of the bytes.
        picture = picture.reduce(2)
