"""Which pictures of a station may go: a pure plan, in the order of the parts' numbers.

Only pictures of passed parts ever go. Every rejected part, every STOP, and what was audited,
reviewed or overridden stays, and so does a share of the passes, drawn by a keyed hash of the part's
id so that nobody can choose which. Files' times play no part: the order is that of the store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domains.parts.station.recipe import RetentionOptions

_BITS = 53
_GB = 1e9


@dataclass(frozen=True, slots=True)
class PartPictures:
    """A part's pictures in the store.

    Attributes:
        number: The part's number.
        recorded_at: When it was recorded, UTC.
        part_id: The part's id; empty where there is none.
        pictures: sha256 of each.
        is_kept: Whether it stays whatever the budgets: it did not pass, or a person dealt with it.
    """

    number: int
    recorded_at: datetime
    part_id: str
    pictures: tuple[str, ...]
    is_kept: bool


@dataclass(frozen=True, slots=True)
class DiskState:
    """The disk of the pictures, in bytes.

    Attributes:
        total: Size of the file system.
        free: Free for us on it.
        pictures: What all pictures take.
    """

    total: int
    free: int
    pictures: int


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What goes.

    Attributes:
        parts: Parts whose pictures go, by rising number.
        freed: Bytes that their pictures take.
        missing: Bytes that the budgets ask for beyond that: everything left has to be kept.
    """

    parts: tuple[PartPictures, ...]
    freed: int
    missing: int

    @property
    def problem(self) -> str:
        """What a person has to do; empty where the budgets are met."""
        if not self.missing:
            return ""
        return (
            f"The disk lacks {self.missing / _GB:.3g} GB, and every picture left has to be kept: "
            "give it more room, or keep a smaller share of the passes."
        )


def bytes_to_free(options: RetentionOptions, disk: DiskState) -> int:
    """Return how many bytes of pictures have to go for the budgets to be met; 0 if they are."""
    wanted = max(options.min_free_share * disk.total, options.min_free_gb * _GB)
    too_many = 0.0 if options.max_gb is None else disk.pictures - options.max_gb * _GB
    return max(0, round(max(wanted - disk.free, too_many)))


def plan_retention(
    parts: Iterable[PartPictures],
    options: RetentionOptions,
    disk: DiskState,
    *,
    size_of: Callable[[str], int],
    newest: datetime | None,
    key: bytes,
) -> RetentionPlan:
    """Return which parts' pictures go: the oldest by number, until every budget is met.

    Args:
        parts: By rising number, from behind the last one cleared; read only as far as needed.
        options: Budgets and the share of passes kept.
        disk: The disk as it is.
        size_of: Bytes of a picture; 0 of one that is gone.
        newest: When the station's last part was recorded, from which age is counted: a station
            that was off for a month does not forget what it last saw. None where the clock is not
            trusted: then nothing goes by age.
        key: Of the draw of passes that are kept.
    """
    needed = bytes_to_free(options, disk)
    too_old = None
    if options.days is not None and newest is not None:
        too_old = newest - timedelta(days=options.days)
    chosen: list[PartPictures] = []
    freed = 0
    if too_old is None and not needed:
        return RetentionPlan((), 0, 0)
    for part in parts:
        is_due = too_old is not None and part.recorded_at < too_old
        if not is_due and freed >= needed:
            break
        if part.is_kept or not part.pictures or is_sampled(part, options.pass_sample, key):
            continue
        chosen.append(part)
        freed += sum(map(size_of, part.pictures))
    return RetentionPlan(tuple(chosen), freed, max(0, needed - freed))


def is_sampled(part: PartPictures, share: float, key: bytes) -> bool:
    """Return whether a passed part is kept as one of the share: a keyed hash of its id decides.

    A part without an id is drawn by its number. Of parts with one id all are kept or none.
    """
    name = part.part_id or f"number {part.number}"
    drawn = hashlib.blake2b(name.encode(errors="replace"), key=key, digest_size=8).digest()
    return (int.from_bytes(drawn, "big") >> (64 - _BITS)) / (1 << _BITS) < share
