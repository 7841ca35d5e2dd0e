"""What persons decide about parts after the station: its verdict stands, theirs is another record.

Releasing rejected parts is where an inspection is undone in practice, and nobody watches who does
it. So every release has a name, a reason and a time; using a defective part as it is needs a second
person; and the queue holds a few parts that are known to be bad, whose release raises an alarm.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from statistics import median
from typing import Any

from core.decision.rate import Rate
from core.errors import ConfigError
from core.records import pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.parts import PACK
from domains.parts.station.result import LineResult
from domains.parts.station.user import StationRole, StationUser

OVERRIDE = "override"
SALT_ANSWER = "salt answer"


class OverrideKind(StrEnum):
    """What a person decides about a part."""

    RELEASE = "release"
    REJECT = "reject"
    USE_AS_IS = "use as is"


class OverrideReason(Enum):
    """Why, from a closed list: the sentence, and which decisions it is a reason for."""

    REFLECTION = ("Reflection or light, no defect", OverrideKind.RELEASE)
    DIRT = ("Dust or dirt that came off", OverrideKind.RELEASE)
    WITHIN_LIMIT = ("Mark within the limit sample", OverrideKind.RELEASE)
    STATION_FAULT = ("Rejected for a fault of the station; inspected by hand", OverrideKind.RELEASE)
    RELEASED_OTHERWISE = ("Another reason", OverrideKind.RELEASE)
    DEFECT_CONFIRMED = ("The defect is there", OverrideKind.REJECT)
    DEFECT_MISSED = ("A defect that the station passed", OverrideKind.REJECT)
    WRONG_PART = ("The wrong part", OverrideKind.REJECT)
    REJECTED_OTHERWISE = ("Another reason", OverrideKind.REJECT)
    CONCESSION = ("Concession of the customer", OverrideKind.USE_AS_IS)
    NO_EFFECT = ("Defect without effect on the function", OverrideKind.USE_AS_IS)

    def __init__(self, sentence: str, kind: OverrideKind) -> None:
        self.sentence, self.kind = sentence, kind


_NEEDS_TEXT = frozenset({OverrideReason.RELEASED_OTHERWISE, OverrideReason.REJECTED_OTHERWISE})


@dataclass(frozen=True, slots=True)
class Override:
    """A person's decision about a part.

    Attributes:
        number: Number of the part.
        reason: Why, and thereby what: release, reject, or use as is.
        who: The person.
        role: The person's role: ``operator``, ``inspector`` or ``lead``.
        at: When, UTC.
        minutes: Minutes after the station's verdict.
        text: In the person's words.
        second_person: Who agreed; needed to use a part as it is.
        is_second_typed: Whether that is a name that was typed, and no sign-in.
    """

    number: int
    reason: OverrideReason
    who: str
    role: str
    at: datetime
    minutes: float
    text: str = ""
    second_person: str = ""
    is_second_typed: bool = False

    @property
    def kind(self) -> OverrideKind:
        """What was decided."""
        return self.reason.kind


def make_override(
    part: InspectedPart,
    reason: OverrideReason,
    *,
    by: StationUser,
    at: datetime,
    text: str = "",
    second_person: str = "",
    is_second_typed: bool = True,
) -> Override:
    """Return a person's decision about a part, if it may be made.

    The second person is a name that was typed unless they signed in and agreed themselves.

    Raises:
        ConfigError: It may not; every objection is named at once.
    """
    second_person, text = second_person.strip(), text.strip()
    minutes = (at - part.recorded_at).total_seconds() / 60.0
    number, role = part.trigger.number, by.role.value
    typed = is_second_typed and bool(second_person)
    made = Override(number, reason, by.name, role, at, minutes, text, second_person, typed)
    if objections := list(_objections(part, made)):
        raise ConfigError(
            f"Part {made.number} cannot be overridden: {'; '.join(objections)}.",
            hint="The station's verdict stands until the entry is complete.",
        )
    return made


def is_released(part: InspectedPart, override: Override | None) -> bool:
    """Return whether a part goes on to the customer: by a person's decision, else the station's."""
    if override is None:
        return part.result is LineResult.PASS
    return override.kind is not OverrideKind.REJECT


def record_override(store: Store, station: str, part: InspectedPart, made: Override) -> None:
    """Put a decision on record; a later one about the same part counts instead of it.

    Raises:
        StoreError: The database failed.
    """
    body = {
        "reason": made.reason.name,
        "role": made.role,
        "minutes": made.minutes,
        "text": made.text,
        "second_person": made.second_person,
        "second_person_typed": made.is_second_typed,
        "who": made.who,
        "station_result": part.result.value,
    }
    with writing(store) as connection:
        revision = pack_rows.revisions(connection, PACK, OVERRIDE, station, made.number)
        row = PackRow(
            PACK,
            OVERRIDE,
            station,
            made.number,
            made.at,
            part.part_id,
            made.kind.value,
            None,
            body,
            revision,
        )
        # Whoever completes it answers for it.
        typed = made.is_second_typed or not made.second_person
        pack_rows.add(connection, [row], actor=made.who if typed else made.second_person)


def overrides_of(
    store: Store, station: str, *, since: datetime | None = None, limit: int | None = None
) -> list[Override]:
    """Return the decisions that count, those on the newest parts first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, OVERRIDE, station, since=since, limit=limit)
    return [_from_row(row.number, row.at, row.body) for row in rows]


def confirmed_bad(overrides: Iterable[Override]) -> list[int]:
    """Return the numbers of the parts that a person found bad again: they salt the queue."""
    return [one.number for one in overrides if one.reason is OverrideReason.DEFECT_CONFIRMED]


def record_salt_answer(
    store: Store, station: str, number: int, who: str, at: datetime, *, is_released: bool
) -> None:
    """Put on record what a person answered to a known-bad part; never an override.

    Raises:
        StoreError: The database failed.
    """
    outcome = OverrideKind.RELEASE if is_released else OverrideKind.REJECT
    with writing(store) as connection:
        place = pack_rows.last_number(connection, PACK, SALT_ANSWER, station) + 1
        body = {"part": number, "who": who}
        row = PackRow(PACK, SALT_ANSWER, station, place, at, who, outcome.value, None, body)
        pack_rows.add(connection, [row], actor=who)


def salt_answers(
    store: Store, station: str, *, since: datetime | None = None
) -> list[tuple[str, bool]]:
    """Return who answered to a known-bad part, and whether it was released, the newest first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, SALT_ANSWER, station, since=since)
    return [(row.body["who"], row.outcome == OverrideKind.RELEASE.value) for row in rows]


@dataclass(frozen=True, slots=True)
class PersonRates:
    """What one person did.

    Attributes:
        released: Parts released or used as they are, of those decided.
        minutes: Median of the minutes after the station's verdict; None without a decision.
        salt_released: Known-bad parts released, of those shown to the person.
    """

    released: Rate
    minutes: float | None
    salt_released: Rate


def rates_by_person(
    overrides: Iterable[Override], answers: Iterable[tuple[str, bool]] = ()
) -> dict[str, PersonRates]:
    """Return what each person did, by name.

    Args:
        overrides: Decisions about parts of the line.
        answers: The person, and whether they released it, for each known-bad part shown; these
            are counted apart and never among the line's.
    """
    decided: dict[str, list[Override]] = defaultdict(list)
    shown: dict[str, list[bool]] = defaultdict(list)
    for one in overrides:
        decided[one.who].append(one)
    for who, is_wrong in answers:
        shown[who].append(is_wrong)
    return {
        who: PersonRates(
            Rate.independent(sum(map(_is_release, decided[who])), len(decided[who])),
            median(one.minutes for one in decided[who]) if decided[who] else None,
            Rate.independent(sum(shown[who]), len(shown[who])),
        )
        for who in sorted(decided.keys() | shown.keys())
    }


def rates_by_reason(overrides: Iterable[Override]) -> dict[OverrideReason, Rate]:
    """Return how often each reason was given, of all decisions, the most frequent first."""
    reasons = [one.reason for one in overrides]
    counts = {reason: reasons.count(reason) for reason in OverrideReason if reason in reasons}
    ordered = sorted(counts, key=lambda reason: -counts[reason])
    return {reason: Rate.independent(counts[reason], len(reasons)) for reason in ordered}


def _objections(part: InspectedPart, made: Override) -> Iterator[str]:
    if part.trigger.challenge:
        yield "it is a reference part"
    if not made.who:
        yield "no name is given"
    if part.result is LineResult.PASS and made.kind is not OverrideKind.REJECT:
        yield "the station passed it"
    if part.result is LineResult.STOP and _is_release(made) and made.role != StationRole.LEAD.value:
        yield "after a STOP a lead releases"
    if made.minutes < 0.0:
        yield "the decision is earlier than the station's: check the clock"
    yield from _incomplete(made)


def _incomplete(made: Override) -> Iterator[str]:
    is_as_is = made.kind is OverrideKind.USE_AS_IS
    if not made.text and (is_as_is or made.reason in _NEEDS_TEXT):
        yield "a text is needed with this reason"
    if is_as_is and made.second_person.casefold() in ("", made.who.casefold()):
        yield "using it as it is needs a second person"


def _is_release(made: Override) -> bool:
    return made.kind is not OverrideKind.REJECT


def _from_row(number: int, at: datetime, body: Any) -> Override:  # noqa: ANN401 - JSON
    return Override(
        number,
        OverrideReason[body["reason"]],
        body["who"],
        body["role"],
        at,
        body["minutes"],
        body["text"],
        body["second_person"],
        body["second_person_typed"],
    )
