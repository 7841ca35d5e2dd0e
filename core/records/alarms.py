"""Alarms: append-only, covered by the audit log, each with the policy that it suspends.

A voiding alarm is written together with a deployment of the suspended policy, which whoever judges
follows within two seconds. That a person has taken note of it changes nothing in force.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from core.errors import StoreError
from core.people import Person, Role
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.deployment import Deployment
from core.records.tables import ALARM_NOTES, ALARMS, RowLike
from core.records.values import name_of, now, plain, stamp


@dataclass(frozen=True, slots=True)
class AlarmNote:
    """That somebody has taken note of an alarm.

    Attributes:
        by: Who.
        comment: Free text.
        at: When, in UTC.
    """

    by: str
    comment: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MonitorAlarm:
    """One alarm as it lies in the store.

    Attributes:
        number: Its number among all alarms of the store, from 1.
        pack: The pack's name.
        product: The product of the deployment; empty for what judges all without one.
        bundle: Name and short hash of the bundle.
        bundle_sha256: Its full hash.
        policy_id: The policy that was in force.
        epoch_id: The deployment since which it was.
        kind: ``escapes``, ``ood`` or ``drift``.
        source: What drifted, and where; empty for the other kinds.
        sentence: What is the matter, for people.
        evidence: The figures, and ``pictures``: decisions that add most to it.
        deployment_id: The deployment of the suspended policy; empty where it voids nothing.
        raised_at: When, in UTC.
        notes: Who has taken note of it, the first first.
    """

    number: int
    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    epoch_id: str
    kind: str
    source: str
    sentence: str
    evidence: Mapping[str, Any]
    deployment_id: str
    raised_at: datetime
    notes: tuple[AlarmNote, ...] = ()

    @property
    def id(self) -> str:
        """Hash of what it is about: one of a kind and source since a deployment."""
        return alarm_id(self.epoch_id, self.kind, self.source)

    @property
    def is_voiding(self) -> bool:
        """Whether it suspended the policy."""
        return bool(self.deployment_id)


def alarm_id(epoch_id: str, kind: str, source: str) -> str:
    """Return the id of an alarm."""
    return name_of("alarm", epoch_id, kind, source)


def newest_number(connection: Connection) -> int:
    """Return the number of the newest alarm of the store; 0 before the first."""
    return connection.scalar(select(func.max(ALARMS.c.number))) or 0


def is_on_record(connection: Connection, alarm: str) -> bool:
    """Return whether an alarm of that id was raised."""
    return connection.scalar(select(ALARMS.c.id).where(ALARMS.c.id == alarm)) is not None


def write(connection: Connection, new: MonitorAlarm) -> None:
    """Write an alarm, in the caller's transaction."""
    row = {
        "number": new.number,
        "id": new.id,
        "pack": new.pack,
        "product": new.product,
        "bundle": new.bundle,
        "bundle_sha256": new.bundle_sha256,
        "policy_id": new.policy_id,
        "epoch_id": new.epoch_id,
        "kind": new.kind,
        "source": plain(new.source),
        "sentence": plain(new.sentence),
        "evidence": json.dumps(dict(new.evidence), sort_keys=True, allow_nan=False),
        "deployment_id": new.deployment_id,
        "raised_at": stamp(new.raised_at),
    }
    hash_chain.append_row(
        connection, ALARMS, row, actor="assay", action="alarm", subject=new.id, at=new.raised_at
    )


def take_note(
    store: Store, alarm: str, *, by: Person, comment: str = "", at: datetime | None = None
) -> None:
    """Keep that a person has taken note of an alarm.

    Raises:
        PermissionDenied: The person may not review.
        StoreError: There is no such alarm, or the database failed.
    """
    by.require(Role.REVIEWER, "take note of an alarm")
    at = at or now()
    row = {
        "id": name_of("alarm note", alarm, by.id, stamp(at)),
        "alarm_id": alarm,
        "comment": plain(comment),
        "noted_by": by.id,
        "noted_at": stamp(at),
    }
    with writing(store) as connection:
        if not is_on_record(connection, alarm):
            raise StoreError(
                f"The store holds no alarm {alarm!r}.", hint="The page Monitor lists them."
            )
        hash_chain.append_row(
            connection, ALARM_NOTES, row, actor=by.id, action="note alarm", subject=alarm, at=at
        )


def list_alarms(store: Store, pack: str | None = None) -> list[MonitorAlarm]:
    """Return the alarms of a pack, or of all, the newest first.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return read_alarms(connection, pack)


def read_alarms(connection: Connection, pack: str | None = None) -> list[MonitorAlarm]:
    """Return the alarms of a pack, or of all, the newest first, in the caller's transaction."""
    query = select(ALARMS).order_by(ALARMS.c.number.desc())
    if pack is not None:
        query = query.where(ALARMS.c.pack == pack)
    rows = connection.execute(query).mappings().all()
    notes: dict[str, list[AlarmNote]] = {}
    if rows:
        ordered = select(ALARM_NOTES).order_by(ALARM_NOTES.c.noted_at, ALARM_NOTES.c.id)
        for row in connection.execute(ordered).mappings():
            at = datetime.fromisoformat(row["noted_at"])
            note = AlarmNote(row["noted_by"], row["comment"], at)
            notes.setdefault(row["alarm_id"], []).append(note)
    return [_alarm(row, notes.get(row["id"], ())) for row in rows]


def standing(
    alarms: Sequence[MonitorAlarm], in_force: Mapping[tuple[str, str], Deployment]
) -> list[MonitorAlarm]:
    """Return the alarms that are not settled, the newest first.

    A voiding one stands until another policy than the suspended one is in force, any other until
    somebody has taken note of it.

    Args:
        alarms: As `list_alarms` returns them.
        in_force: The deployment in force by pack and product.
    """
    return [one for one in alarms if _stands(one, in_force)]


def _stands(one: MonitorAlarm, in_force: Mapping[tuple[str, str], Deployment]) -> bool:
    if not one.is_voiding:
        return not one.notes
    now_ = in_force.get((one.pack, one.product))
    suspended = one.evidence.get("suspended_policy")
    return now_ is not None and now_.covers(one.bundle, str(suspended))


def _alarm(row: RowLike, notes: Sequence[AlarmNote]) -> MonitorAlarm:
    return MonitorAlarm(
        number=row["number"],
        pack=row["pack"],
        product=row["product"],
        bundle=row["bundle"],
        bundle_sha256=row["bundle_sha256"],
        policy_id=row["policy_id"],
        epoch_id=row["epoch_id"],
        kind=row["kind"],
        source=row["source"],
        sentence=row["sentence"],
        evidence=json.loads(row["evidence"]),
        deployment_id=row["deployment_id"],
        raised_at=datetime.fromisoformat(row["raised_at"]),
        notes=tuple(notes),
    )
