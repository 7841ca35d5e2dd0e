"""Comparing what people reviewed: anyone asks for it, and one process of a store does it.

A job for each bundle that judges: its lease keeps the others from doing the same work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic

from core.errors import AssayError
from core.jobs.lease import LEASE_S, Heartbeat, backoff_s
from core.records import deployments, queue
from core.records.connection import Store, writing
from core.records.job import COMPARE, Job, add
from core.records.picture_origins import has_to_compare
from core.records.values import now
from core.service.monitoring.scopes import scopes_of
from core.service.recertify.comparison import compare_reviewed
from core.settings import Settings

INTERVAL_S = 30.0


@dataclass
class Comparisons:
    """A worker's turn that asks for comparisons.

    Attributes:
        store: The store.
        settings: Where the archive is.
    """

    store: Store
    settings: Settings
    _due: float = field(default=0.0, init=False)

    def turn(self) -> bool:
        """Return whether there is something to compare that nobody had asked for.

        Raises:
            StoreError: The database failed.
        """
        if monotonic() < self._due:
            return False
        self._due = monotonic() + INTERVAL_S
        asked = [self._ask(pack, sha256) for pack, sha256 in self._bundles()]
        return any(asked)

    def _bundles(self) -> list[tuple[str, str]]:
        in_force = deployments.all_in_force(self.store).items()
        deployed = {(pack, one.bundle_sha256) for (pack, _), one in in_force}
        watched = scopes_of(self.store, self.settings)
        return sorted(deployed | {(one.rows.pack, one.rows.bundle_sha256) for one in watched})

    def _ask(self, pack: str, sha256: str) -> bool:
        if not has_to_compare(self.store, pack, sha256):
            return False
        with writing(self.store) as connection:
            return add(connection, COMPARE, sha256, pack=pack, payload={}, at=now())


def compare_claimed(store: Store, settings: Settings, worker: str) -> bool:
    """Return whether there was a comparison to do that nobody else does, after doing it.

    Args:
        store: The store.
        settings: Where the archive is.
        worker: Name of who does it, unlike any other's.

    Raises:
        AssayError: It failed, and may be claimed again after a while.
    """
    claimed = queue.claim(store, [COMPARE], worker=worker, lease_s=LEASE_S)
    for job in claimed:
        _compare(store, settings, job)
    return bool(claimed)


def _compare(store: Store, settings: Settings, job: Job) -> None:
    try:
        with Heartbeat(store, [job]):
            done = compare_reviewed(store, settings, job.pack, job.key, with_waiting=True)
    except AssayError as exc:
        wait_s = backoff_s(job.tries)
        queue.fail(store, job, exc.message, wait_s=wait_s, max_tries=None)
        raise
    with writing(store) as connection:
        queue.finish(connection, [job], result={"pictures": done})
