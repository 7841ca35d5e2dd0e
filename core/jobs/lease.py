"""Holding on to claimed jobs while the work lasts, however long that is."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from core.errors import StoreError
from core.logs import Event, Word
from core.records.connection import Store
from core.records.queue import Job, hold

LEASE_S = 30.0

_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 600.0
_DOUBLINGS = 10

logger = logging.getLogger(__name__)


def backoff_s(tries: int) -> float:
    """Give the seconds to wait after so many tries: 2, 4, 8 and on to ten minutes."""
    return min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2.0 ** min(tries - 1, _DOUBLINGS))


@contextmanager
def held(store: Store, claimed: Sequence[Job]) -> Iterator[None]:
    """Renew the leases of claimed jobs, from a thread, until the block ends.

    A lease may so be short, and what a killed worker held is soon taken up by another.
    """
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(store, claimed, over), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _renew(store: Store, claimed: Sequence[Job], over: threading.Event) -> None:
    while not over.wait(LEASE_S / 3):
        try:
            hold(store, claimed, LEASE_S)
        except StoreError:
            # Should the lease run out, the work is done twice; it must bear that anyway.
            logger.warning(Event(Word.STORE_FAILED, {"count": len(claimed)}))
