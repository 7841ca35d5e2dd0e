"""A picture that a person has judged before never passes against them when it comes again.

The same content is looked up in the store. A copy in other bytes (saved anew, resized, turned) is
known by its fingerprint, of the pictures on which people corrected a verdict.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from threading import Event as Flag
from threading import Lock, Thread
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.copy_index import CopyIndex
from core.checking.facts import detail_of
from core.checking.fingerprints import Fingerprints, strengths_of
from core.errors import AssayError, StoreError
from core.files import write_atomic
from core.imaging.files import wrap_bytes
from core.model.bundle.bundle import Bundle
from core.records import blobs, people
from core.records.answers import PictureAnswer, answers_on, corrections, reviewed_until
from core.records.connection import Store
from core.service.bundles.decoders import decoders_of
from core.settings import Settings
from core.types import (
    U8,
    Assessment,
    Disposition,
    Finding,
    Frame,
    Prepared,
    Reason,
    Unreadable,
    Verdict,
)

REFRESH_S = 0.5
MOST = 10_000
"""Corrected pictures whose copies are known again, the newest."""

_FOLDER = "corrected"

log = logging.getLogger(__name__)


class KnownAnswers:
    """What people answered on earlier pictures of a pack; a context manager that follows the store.

    Args:
        store: The store.
        bundle: The bundle that judges: its pictures say how alike different ones are.
        settings: Where things run.
    """

    def __init__(self, store: Store, bundle: Bundle, settings: Settings) -> None:
        self._store, self._bundle, self._settings = store, bundle, settings
        self._read_until: tuple[str, ...] = ()
        self._lock = Lock()
        self._index: CopyIndex | None = None
        self._answers: list[PictureAnswer] = []
        self._read: list[PictureAnswer] = []
        self._stop = Flag()
        self._thread: Thread | None = None

    def __enter__(self) -> Self:
        """Return itself, following the store on a thread of its own."""
        self._stop.clear()
        self._thread = Thread(target=self._follow, name="answers", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop following."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def check(
        self, judged: Sequence[tuple[Frame | Prepared | Unreadable, Assessment]], product: str
    ) -> list[Assessment]:
        """Return each verdict, or DEFER in its place where a person answered otherwise before.

        Args:
            judged: What the network was given, and the verdict on it.
            product: Which of the pack's products they are of.

        Raises:
            StoreError: The database failed: then nothing may be taken for uncontradicted.
        """
        keys = {made.sha256 for _, made in judged if _is_judged(made)}
        known = answers_on(self._store, self._bundle.pack.name, product, keys)
        return [self._compare(frame, made, known.get(made.sha256)) for frame, made in judged]

    def _compare(
        self, frame: Frame | Prepared | Unreadable, made: Assessment, same: PictureAnswer | None
    ) -> Assessment:
        if not _is_judged(made):
            return made
        found = same or self._copied(frame)
        if found is None or found.disposition is made.verdict.disposition:
            return made
        detail = self._describe(found, made, is_copy=same is None)
        finding = Finding(Reason.CORRECTED, detail, made.verdict.disposition.value)
        findings = (*made.verdict.findings, finding)
        return replace(
            made,
            verdict=Verdict(Disposition.DEFER, made.verdict.label, findings),
            wording=self._bundle.pack.wording[Disposition.DEFER],
        )

    def refresh(self) -> None:
        """Read what people corrected since, and the fingerprints of those pictures.

        Raises:
            StoreError: The database failed.
        """
        until = reviewed_until(self._store)
        if until == self._read_until:
            return
        answers = corrections(self._store, self._bundle.pack.name, MOST)
        if answers == self._read:
            self._read_until = until
            return
        strengths = dict(self._strengths([one.content_key for one in answers]))
        kept = [one for one in answers if one.content_key in strengths]
        index = self._index or CopyIndex(Fingerprints.from_arrays(self._bundle.fingerprints))
        with self._lock:
            index.replace([strengths[one.content_key] for one in kept])
            self._index, self._answers = index, kept
        self._read, self._read_until = answers, until

    def _copied(self, frame: Frame | Prepared | Unreadable) -> PictureAnswer | None:
        with self._lock:
            if self._index is None or not len(self._index) or not isinstance(frame, Prepared):
                return None
            if frame.tile is not None:  # its neighbours in the field are as alike as copies
                return None
            at = self._index.find(_detail(frame))
            return None if at is None else self._answers[at]

    def _describe(self, found: PictureAnswer, made: Assessment, *, is_copy: bool) -> str:
        words = self._bundle.pack.wording
        who = people.names_of(self._store, {found.reviewer}).get(found.reviewer, found.reviewer)
        of = f"a picture that this is a copy of (case {found.case_id})" if is_copy else "it"
        label = f" ({found.label})" if found.label else ""
        return (
            f"{who} called {of} {words[found.disposition]}{label} on "
            f"{found.reviewed_at:%Y-%m-%d %H:%M} UTC; the verdict now was "
            f"{words[made.verdict.disposition]}."
        )

    def _strengths(self, contents: Sequence[str]) -> Iterator[tuple[str, NDArray[np.float16]]]:
        """Yield the fingerprint of each picture that is at hand, from the cache where it lies."""
        folder = self._settings.cache / _FOLDER
        missing = []
        for content in contents:
            try:
                yield content, np.frombuffer((folder / content).read_bytes(), np.float16)
            except OSError:
                missing.append(content)
        if not missing:
            return
        folder.mkdir(parents=True, exist_ok=True)
        one = self._settings.model_copy(update={"decoders": 1})
        with decoders_of(self._bundle, one) as sandbox:
            for content in missing:
                if self._stop.is_set():
                    return
                try:
                    data = blobs.get(self._store.blobs, content)
                except StoreError:
                    continue  # it was cleared away; the same content is known by its name
                (sample,) = sandbox.samples([wrap_bytes(content, data)])
                if isinstance(sample.frame, Prepared):
                    strengths = strengths_of(_detail(sample.frame)[None])[0]
                    write_atomic(folder / content, strengths.tobytes())
                    yield content, strengths

    def _follow(self) -> None:
        while True:
            try:
                self.refresh()
            except AssayError as exc:
                log.error("answers could not be read: %s", exc.message)
            except Exception:
                log.exception("following the answers failed")
            if self._stop.wait(REFRESH_S):
                return


def _is_judged(made: Assessment) -> bool:
    """Return whether there is a verdict to compare; a picture without one goes to a person."""
    return made.prediction is not None and bool(made.sha256)


def _detail(frame: Prepared) -> U8:
    return detail_of(np.asarray(cv2.cvtColor(frame.pixels, cv2.COLOR_RGB2GRAY), np.uint8))
