"""monitor: what came since is taken in, and a certificate that no longer holds is suspended."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from core.decision.policy import suspend, to_json
from core.errors import StoreError
from core.files import write_atomic
from core.logs import Event, Word
from core.records import alarms, monitor_states, monitored, watched_reads
from core.records.alarms import MonitorAlarm, alarm_id
from core.records.connection import Store, reading, writing
from core.records.deployment import AUDIT_SHARE, Deployment, Stage
from core.records.deployment_rows import history_of, newest_number, write
from core.records.values import now, stamp
from core.records.watched_reads import WatchedRead
from core.service.delivery.alarm_messages import put_messages
from core.service.monitoring.scopes import Scope, certified_places, policy_place, scopes_of
from core.service.monitoring.signals import EscapeTest, Signal, measure_escapes, signals
from core.service.monitoring.state import MonitorState
from core.settings import Settings
from core.types import Policy

BATCH = 200
"""Decisions taken in at a time; one takes about a millisecond."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watched:
    """A policy in force with where its tests stand.

    Attributes:
        scope: The policy.
        state: What came since it is in force.
        escapes: What people's reads say of it; None where nothing is drawn for the audit.
        covered: Of the pictures whose label a person named, whether it was in the label set, in
            the order of time.
        audited: How many audited negatives people have read.
    """

    scope: Scope
    state: MonitorState
    escapes: EscapeTest | None
    covered: tuple[bool, ...] = ()
    audited: int = 0


class Monitor:
    """Follows a store: each turn takes in some of what came since, and suspends what must be.

    Any number may follow one store: a state that another one has carried on meanwhile is dropped.

    Args:
        store: The store.
        settings: Where the archive is, and who gets alarms.
    """

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._head = (-1, -1)

    def turn(self) -> bool:
        """Return whether anything was taken in, so that there may be more.

        Raises:
            StoreError: The database failed; the next turn begins where this one did.
        """
        with reading(self._store) as connection:
            head = monitored.head(connection)
        if head == self._head:
            return False
        taken = [self._follow(one) for one in scopes_of(self._store, self._settings)]
        if any(taken):
            return True
        self._head = head
        return False

    def _follow(self, scope: Scope) -> bool:
        with reading(self._store) as connection:
            kept = monitor_states.read_state(connection, scope.epoch_id)
            before = self._state(kept, scope)
            pictures = monitored.pictures_after(connection, scope.rows, before.seq, BATCH)
            reads = watched_reads.reads(connection, scope.rows)
        state = before.after(pictures)
        escapes = _measure(reads, scope)
        point = _point(state, escapes)
        if not before.points or _figures(before.points[-1]) != _figures(point):
            state = state.with_point(point)
        found = list(signals(state, escapes, scope.policy.targets.escape))
        if state == before and kept is not None and not found:
            return False
        body = json.dumps(state.to_json(), separators=(",", ":"), allow_nan=False)
        if not monitor_states.keep_state(self._store, scope.epoch_id, scope.rows, body, kept):
            return True
        self._raise(scope, found)
        return bool(pictures)

    def _state(self, kept: str | None, scope: Scope) -> MonitorState:
        if kept is not None:
            return MonitorState.from_json(json.loads(kept))
        places = certified_places(scope.rows.bundle_sha256, self._settings)
        return MonitorState(ood_counts=places)

    def _raise(self, scope: Scope, found: list[Signal]) -> None:
        for signal in found:
            voids = signal.kind in self._settings.voiding_alarms
            alarm = raise_alarm(self._store, self._settings, scope, signal, voids=voids)
            if alarm is not None:
                fields: dict[str, float | str] = {"pack": alarm.pack, "policy": alarm.policy_id}
                logger.warning(Event(Word.ALARM, {**fields, "kind": alarm.kind}))


def watched(store: Store, settings: Settings, pack: str) -> list[Watched]:
    """Return every policy of a pack that is monitored, with where its tests stand.

    Raises:
        StoreError: The database failed.
    """
    scopes = [one for one in scopes_of(store, settings) if one.rows.pack == pack]
    with reading(store) as connection:
        return [_watched(connection, one) for one in scopes]


def state_of(store: Store, epoch_id: str) -> MonitorState | None:
    """Return where the tests of a policy stand or stood when it was suspended; None for nowhere.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        kept = monitor_states.read_state(connection, epoch_id)
    return MonitorState.from_json(json.loads(kept)) if kept else None


def _watched(connection: Connection, scope: Scope) -> Watched:
    kept = monitor_states.read_state(connection, scope.epoch_id)
    reads = watched_reads.reads(connection, scope.rows)
    escapes = _measure(reads, scope)
    state = MonitorState.from_json(json.loads(kept)) if kept else MonitorState()
    named = monitored.answered_label_sets(connection, scope.rows)
    covered = tuple(label in found for _, label, found in named)
    return Watched(
        scope, state, escapes, covered, watched_reads.count_audited(connection, scope.rows)
    )


def _measure(reads: Sequence[WatchedRead], scope: Scope) -> EscapeTest | None:
    return measure_escapes(reads, scope.policy.targets.escape, scope.audit_share, now())


def raise_alarm(
    store: Store,
    settings: Settings,
    scope: Scope,
    signal: Signal,
    *,
    voids: bool,
    at: datetime | None = None,
) -> MonitorAlarm | None:
    """Return an alarm once it is on record, with all that follows from it in one transaction.

    A voiding one deploys the suspended form of the policy, which whoever judges follows. Messages
    to people are put into the outbox.

    Args:
        store: The store.
        settings: Where the archive is, and who gets alarms.
        scope: The policy in force.
        signal: What alarms.
        voids: Whether it voids the certificate.
        at: When; now, unless given.

    Returns:
        None where it is on record already, or something else is in force by now.

    Raises:
        StoreError: The database or the archive failed; nothing is on record.
    """
    at = at or now()
    identity = alarm_id(scope.epoch_id, signal.kind, signal.source)
    suspended = suspend(scope.policy, _why(signal.sentence, identity, at)) if voids else None
    if suspended is not None:
        _archive(suspended, scope, settings)
    with writing(store) as connection:
        if alarms.is_on_record(connection, identity) or not _stands(connection, scope):
            return None
        deployed = _deploy(connection, scope, suspended, identity, at) if suspended else None
        policy = scope.policy
        evidence = {"alpha": policy.targets.escape, "added": policy.added, **signal.evidence}
        if suspended is not None:
            evidence["suspended_policy"] = suspended.id
        alarm = MonitorAlarm(
            number=alarms.newest_number(connection) + 1,
            pack=scope.rows.pack,
            product=scope.rows.product,
            bundle=scope.bundle,
            bundle_sha256=scope.rows.bundle_sha256,
            policy_id=scope.policy.id,
            epoch_id=scope.epoch_id,
            kind=signal.kind,
            source=signal.source,
            sentence=signal.sentence,
            evidence=evidence,
            deployment_id=deployed.id if deployed else "",
            raised_at=at,
        )
        alarms.write(connection, alarm)
        put_messages(connection, alarm, settings)
    return alarm


def _why(sentence: str, identity: str, at: datetime) -> str:
    return f"{sentence} Alarm {identity[:8]} of {at:%Y-%m-%d} suspended the certificate."


def _archive(policy: Policy, scope: Scope, settings: Settings) -> None:
    place = policy_place(scope.rows.bundle_sha256, policy.id, settings)
    if not place.exists():
        try:
            write_atomic(place, json.dumps(to_json(policy), indent=1, sort_keys=True) + "\n")
        except OSError as exc:
            raise StoreError(
                f"The suspended policy cannot be written to {place.parent}: {exc.strerror or exc}.",
                hint="Make the archive writable: until then automatic negatives go on.",
            ) from exc


def _stands(connection: Connection, scope: Scope) -> bool:
    """Return whether the policy is still in force."""
    history = history_of(connection, scope.rows.pack, scope.rows.product)
    newest = history[0].id if history else None
    return newest == (scope.deployment.id if scope.deployment else None)


def _deploy(
    connection: Connection, scope: Scope, policy: Policy, identity: str, at: datetime
) -> Deployment:
    before = scope.deployment
    # AUTOMATIC was released on the certificate that does not hold any more.
    stage = min(scope.stage, Stage.SUPERVISED, key=lambda one: one.step)
    new = Deployment(
        number=newest_number(connection) + 1,
        pack=scope.rows.pack,
        product=scope.rows.product,
        bundle=scope.bundle,
        bundle_sha256=scope.rows.bundle_sha256,
        policy_id=policy.id,
        stage=stage,
        audit_share=before.audit_share if before else AUDIT_SHARE,
        deployed_by="assay",
        second_person="",
        evidence={"alarm": identity},
        supersedes=before.id if before else "",
        deployed_at=at,
    )
    write(connection, new, "suspend")
    return new


def _point(state: MonitorState, escapes: EscapeTest | None) -> dict[str, Any]:
    one = escapes.estimate if escapes else None
    drift = [stream.martingale.log for own in state.streams.values() for stream in own.values()]
    return {
        "at": stamp(now()),
        "cases": state.ood.steps,
        "ood": round(state.ood.log, 4),
        "drift": round(max(drift, default=0.0), 4),
        "escapes": round(escapes.log, 4) if escapes else 0.0,
        "found": one.found if one else 0,
        "rate": round(one.value, 6) if one and one.found else None,
        "low": round(one.low, 6) if one else 0.0,
        "high": round(one.high, 6) if one else 1.0,
    }


def _figures(point: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in point.items() if name != "at"}
