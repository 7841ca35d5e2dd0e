"""What can go wrong with what a station keeps: its records, its pictures and its bundle."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import AssayError
from core.records import deployments
from core.service.bundles.archived import place_on_shelf
from domains.parts.station.faults.picture_faults import drawn, scratched
from domains.parts.station.faults.rig import MOST_PAGES, PRODUCT, Rig
from domains.parts.station.judging.judges import OpenJudge
from domains.parts.station.records.parts import parts_of
from domains.parts.station.result import LineReason

_NOTICED_S = 10.0
_MISSING, _ALTERED = "0" * 64, "a" * 64


@contextmanager
def store_locked(rig: Rig) -> Iterator[None]:
    """Yield while another writer holds the store beyond the deadline."""
    with rig.store.engine.execution_options(immediate=True).begin():
        yield


@contextmanager
def store_full(rig: Rig) -> Iterator[None]:
    """Yield while the database takes no more pages."""
    with _limited(rig), drawn(rig, scratched):
        yield


@contextmanager
def store_full_with_reserve(rig: Rig) -> Iterator[None]:
    """Yield while the database takes no more pages until the reserve is freed."""
    with _limited(rig), drawn(rig, scratched):
        freed: list[bool] = []

        def free() -> bool:
            rig.most_pages = MOST_PAGES
            freed.append(True)
            return True

        rig.free_disk = free
        try:
            yield
        finally:
            rig.free_disk = lambda: False
    if freed:
        rig.claim(
            _is_recorded(rig, LineReason.DISK, LineReason.LATE),
            "the stop is not on record although the reserve was freed",
        )


@contextmanager
def pictures_not_kept(rig: Rig) -> Iterator[None]:
    """Yield without the folder of the pictures, as when a network drive is lost."""
    blobs = rig.store.blobs
    aside = blobs.with_name("blobs aside")
    blobs.rename(aside)
    blobs.write_text("in the way")
    try:
        yield
    finally:
        blobs.unlink()
        aside.rename(blobs)


@contextmanager
def bundle_missing(rig: Rig) -> Iterator[None]:
    """Yield while a bundle is deployed that is not there."""
    with _deployed(rig, _MISSING):
        yield


@contextmanager
def bundle_altered(rig: Rig) -> Iterator[None]:
    """Yield while a bundle is deployed of which one bit was changed."""
    own = place_on_shelf(rig.judges.get(PRODUCT).bundle_sha256, rig.settings)
    place = own.with_name(place_on_shelf(_ALTERED, rig.settings).name)
    if not place.exists():
        shutil.copytree(own, place)
        weights = next(place.glob("*.safetensors"))
        data = bytearray(weights.read_bytes())
        data[-5] ^= 1
        weights.write_bytes(data)
    with _deployed(rig, _ALTERED):
        yield


@contextmanager
def _deployed(rig: Rig, sha256: str) -> Iterator[None]:
    """Yield once the station has noticed that another bundle is deployed."""
    own = rig.judges.get(PRODUCT)
    _deploy(rig, own, sha256)
    try:
        _wait_noticed(rig, is_there=False)
        yield
    finally:
        _deploy(rig, own, own.bundle_sha256)
        _wait_noticed(rig, is_there=True)


def _deploy(rig: Rig, judge: OpenJudge, sha256: str) -> None:
    deployments.deploy(
        rig.store,
        "parts",
        PRODUCT,
        bundle=judge.assessor.bundle.label,
        bundle_sha256=sha256,
        policy_id=judge.policy.id,
        by="rig",
    )


def _is_recorded(rig: Rig, *reasons: LineReason) -> bool:
    """Return whether the last part is on record with one of some reasons, within a time."""
    number, deadline = rig.plc.block().acq_id, time.monotonic() + _NOTICED_S
    while time.monotonic() < deadline:
        last = parts_of(rig.store, "rig", limit=1)
        if last and last[0].trigger.number % 2**16 == number:
            return not set(reasons).isdisjoint(last[0].reasons)
        time.sleep(0.02)
    return False


def _wait_noticed(rig: Rig, *, is_there: bool) -> None:
    deadline = time.monotonic() + _NOTICED_S
    while _is_judged(rig) is not is_there and time.monotonic() < deadline:
        time.sleep(0.02)


def _is_judged(rig: Rig) -> bool:
    try:
        rig.judges.get(PRODUCT)
    except AssayError:
        return False
    return True


@contextmanager
def _limited(rig: Rig) -> Iterator[None]:
    """Yield while the database may have no more pages: SQLite takes fewer than it has for that."""
    rig.most_pages = 1
    try:
        yield
    finally:
        rig.most_pages = MOST_PAGES
