"""How far a pack may act by itself at a site: stages that people release, one step at a time.

A release is for one bundle under one policy and carries the evidence that the person had before
them. The rows are append-only; the newest of a site is the one that stands.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from core.errors import ConfigError
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import RELEASES, RowLike
from core.records.values import name_of, now, plain, stamp

Figure = str | int | float | bool | None
"""What one piece of evidence may be."""


class Stage(StrEnum):
    """How far a pack may act by itself, from least to most."""

    AUDIT = "audit"
    SHADOW = "shadow"
    SUPERVISED = "supervised"
    AUTOMATIC = "automatic"

    @property
    def step(self) -> int:
        """Number of the stage, from 0."""
        return list(Stage).index(self)

    @property
    def above(self) -> Stage | None:
        """The stage above; None for the last."""
        return next((one for one in Stage if one.step == self.step + 1), None)


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """One release as it lies in the store.

    Attributes:
        pack: The pack's name.
        site: The site; empty for images that name none.
        stage: The stage released.
        bundle: Name and short hash of the bundle that it is for.
        policy_id: The policy that it is for.
        evidence: What the person had before them, by name.
        released_by: Who.
        released_at: When, in UTC.
    """

    pack: str
    site: str
    stage: Stage
    bundle: str
    policy_id: str
    evidence: Mapping[str, Figure]
    released_by: str
    released_at: datetime

    def covers(self, bundle: str, policy_id: str) -> bool:
        """Say whether a verdict of this bundle under this policy is what was released."""
        return (self.bundle, self.policy_id) == (bundle, policy_id)


def stage_of(store: Store, pack: str, site: str = "") -> Stage:
    """Give the stage released last for a site; AUDIT where nothing was.

    Raises:
        StoreError: The database failed.
    """
    last = newest(store, pack, site)
    return last.stage if last else Stage.AUDIT


def newest(store: Store, pack: str, site: str = "") -> StoredRelease | None:
    """Read the release of a site that stands; None where nothing was released.

    Raises:
        StoreError: The database failed.
    """
    return next(iter(history(store, pack, site)), None)


def by_site(store: Store, pack: str) -> dict[str, StoredRelease]:
    """Read the release that stands at every site of a pack that has one.

    Raises:
        StoreError: The database failed.
    """
    query = select(RELEASES).where(RELEASES.c.pack == pack).order_by(RELEASES.c.id)
    with reading(store) as connection:
        return {row["site"]: _from_row(row) for row in connection.execute(query).mappings()}


def history(store: Store, pack: str, site: str = "") -> list[StoredRelease]:
    """List the releases of a site, newest first.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return [_from_row(row) for row in _rows(connection, pack, site)]


def stage_for(last: StoredRelease | None, bundle: str) -> Stage:
    """Give the stage at which a bundle stands: another one than was released starts from AUDIT."""
    return last.stage if last and last.bundle == bundle else Stage.AUDIT


def release(
    store: Store,
    pack: str,
    site: str,
    stage: Stage,
    *,
    by: str,
    evidence: Mapping[str, Figure],
    bundle: str,
    policy_id: str,
    at: datetime | None = None,
) -> StoredRelease:
    """Release a stage: at most one step above where the bundle stands, or any below.

    Releasing the stage that stands anew is how a further policy of the same bundle comes under it.

    Args:
        store: The store.
        pack: The pack's name.
        site: The site; empty for images that name none.
        stage: The stage.
        by: Who releases it.
        evidence: What the person had before them, by name.
        bundle: Name and short hash of the bundle that it is for.
        policy_id: The policy that it is for.
        at: When; now, unless given.

    Raises:
        ConfigError: Nobody signs it, or it is more than one step up.
        StoreError: The database failed.
    """
    if not by.strip():
        raise ConfigError(
            "A release needs a name to stand under; none was given.", hint="Give your name."
        )
    with writing(store) as connection:
        earlier = _rows(connection, pack, plain(site))
        _refuse_leap(stage, stage_for(_from_row(earlier[0]) if earlier else None, bundle))
        row = {
            "id": f"{name_of(pack, plain(site))}-{len(earlier):06}",
            "pack": pack,
            "site": plain(site),
            "stage": stage.value,
            "bundle": plain(bundle),
            "policy_id": policy_id,
            "evidence": json.dumps(dict(evidence), sort_keys=True, allow_nan=False),
            "released_by": plain(by.strip()),
            "released_at": stamp(at or now()),
        }
        connection.execute(insert(RELEASES), row)
        hash_chain.append(
            connection,
            actor=row["released_by"],
            action="release",
            subject=row["id"],
            rows={RELEASES.name: [row]},
            at=datetime.fromisoformat(row["released_at"]),
        )
    return _from_row(row)


def _refuse_leap(stage: Stage, current: Stage) -> None:
    if stage.step <= current.step + 1:
        return
    expected = "no further stage" if current.above is None else f"at most {current.above.value}"
    raise ConfigError(
        f"The stage {stage.value} cannot be released: this bundle stands at {current.value}; "
        f"expected {expected}.",
        hint="Release one step after the other, each on its own evidence.",
    )


def _rows(connection: Connection, pack: str, site: str) -> list[RowLike]:
    # By number, not by time: a clock that was set back must not bring an older stage forward.
    query = select(RELEASES).where(RELEASES.c.pack == pack, RELEASES.c.site == site)
    return [
        dict(row) for row in connection.execute(query.order_by(RELEASES.c.id.desc())).mappings()
    ]


def _from_row(row: RowLike) -> StoredRelease:
    return StoredRelease(
        pack=row["pack"],
        site=row["site"],
        stage=Stage(row["stage"]),
        bundle=row["bundle"],
        policy_id=row["policy_id"],
        evidence=json.loads(row["evidence"]),
        released_by=row["released_by"],
        released_at=datetime.fromisoformat(row["released_at"]),
    )
