"""Anchors: the newest audit event, noted in a file that lies outside the store.

Who can change the database can make up a whole history anew; it then lacks the events noted here.
The file does that only where the store's keeper cannot write: on another machine, or append-only.
"""

from __future__ import annotations

import fcntl
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.errors import ConfigError
from core.records import audit
from core.records.audit_search import hashes_of
from core.records.connection import Store
from core.records.hash_chain import Head
from core.records.values import now
from core.service.store import open_store
from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Anchor:
    """One line of the file.

    Attributes:
        head: The event that was the newest.
        at: When it was noted, UTC ISO to the second; empty where a person wrote the line.
    """

    head: Head
    at: str


@dataclass(frozen=True, slots=True)
class AnchorStatus:
    """How the log compares with what was noted of it.

    Attributes:
        newest: The newest event of the log.
        last: The last anchor; None where none was noted.
        broken: The first anchor that the log does not contain; None where it contains all.
        verified: The last one before that; None where there is none.
        count: How many anchors there are.
    """

    newest: Head
    last: Anchor | None
    broken: Anchor | None
    verified: Anchor | None
    count: int


def anchor_file(settings: Settings) -> Path | None:
    """Return the file of the anchors; None where none is set.

    Raises:
        ConfigError: It lies in the home folder, where who can change the store can change it too.
    """
    if not settings.anchor_file:
        return None
    file = Path(settings.anchor_file)
    if file.resolve().is_relative_to(settings.home.resolve()):
        raise ConfigError(
            f"The anchor file {file} lies inside the home folder {settings.home}.",
            hint="Set ASSAY_ANCHOR_FILE to a place that the store's keeper cannot change.",
        )
    return file


def note_anchor(store: Store, file: Path) -> Head | None:
    """Return the newest event, noted at the end of a file; None where it stands there already.

    Raises:
        ConfigError: The file cannot be written, or holds something else.
        StoreError: The store cannot be read.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a") as lines:
            fcntl.flock(lines, fcntl.LOCK_EX)
            # Within the lock: of two that note at once, the later event comes last.
            newest = audit.head(store)
            anchors = read_anchors(file)
            if newest.seq == 0 or (anchors and anchors[-1].head == newest):
                return None
            lines.write(f"{newest} {now().isoformat(timespec='seconds')}\n")
            lines.flush()
            os.fsync(lines.fileno())
    except OSError as exc:
        raise ConfigError(
            f"The anchor file {file} cannot be written: {exc.strerror}.",
            hint="Set ASSAY_ANCHOR_FILE to a file that this user may append to.",
        ) from exc
    return newest


def read_anchors(file: Path) -> list[Anchor]:
    """Return the anchors of a file, oldest first; none where there is no file.

    Raises:
        ConfigError: It cannot be read, or a line is none.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise ConfigError(
            f"The noted heads in {file} cannot be read: {why}.",
            hint="Give a text file with one NUMBER:HASH a line.",
        ) from exc
    return [_anchor(line) for line in lines if line.strip()]


def check_anchors(store: Store, file: Path) -> AnchorStatus:
    """Return whether the log contains every anchor: one look-up each, no walk over the chain.

    Raises:
        ConfigError: The file cannot be read.
        StoreError: The store cannot be read.
    """
    anchors = read_anchors(file)
    hashes = hashes_of(store, [one.head.seq for one in anchors])
    verified = None
    for one in anchors:
        if hashes.get(one.head.seq) != one.head.hash:
            return AnchorStatus(audit.head(store), anchors[-1], one, verified, len(anchors))
        verified = one
    return AnchorStatus(
        audit.head(store), anchors[-1] if anchors else None, None, verified, len(anchors)
    )


def note_now(settings: Settings) -> Head | None:
    """Return the newest event, noted in the file that is set; None where it stands there already.

    Raises:
        ConfigError: No file is set, or it cannot be written.
        StoreError: The store cannot be read.
    """
    file = anchor_file(settings)
    if file is None:
        raise ConfigError(
            "No anchor file is set.",
            hint="Set ASSAY_ANCHOR_FILE to a file outside the home folder.",
        )
    with open_store(settings) as store:
        return note_anchor(store, file)


def parse_head(text: str) -> Head:
    """Return a head from ``NUMBER:HASH``.

    Raises:
        ConfigError: It is none.
    """
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
    if found is None:
        raise ConfigError(
            f"A noted head is NUMBER:HASH with 64 hex digits, got {text.strip()!r}.",
            hint="`assay audit head` prints the present one.",
        )
    return Head(int(found[1]), found[2])


def _anchor(line: str) -> Anchor:
    text, *rest = line.split()
    return Anchor(parse_head(text), rest[0] if rest and _is_time(rest[0]) else "")


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
