"""A part is used as it is once a second person, who signed in themselves, has agreed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.errors import ConfigError
from core.people import Person, Role
from core.records import audit
from domains.parts.station.records.agreements import agree, ask_to_use, disagree, open_requests
from domains.parts.station.records.overrides import (
    OverrideKind,
    OverrideReason,
    make_override,
    overrides_of,
    record_override,
)
from domains.parts.station.result import LineReason
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.spc.test_control_charts import _part

AT = datetime(2026, 11, 29, tzinfo=UTC)
AS_IS = OverrideReason.CONCESSION
ADA, GRACE = (Person(f"id-{name}", name, Role.REVIEWER) for name in ("Ada", "Grace"))
PART = _part(4, LineReason.DEFECT)


def ask(store, minutes=7.0, text="concession 17"):
    ask_to_use(
        store, "cell-1", PART, AS_IS, by=ADA, role=StationRole.INSPECTOR,
        at=AT + timedelta(minutes=minutes), text=text,
    )  # fmt: skip
    (found,) = open_requests(store, "cell-1")
    return found


def test_nothing_is_released_until_somebody_else_agrees_and_both_stand_on_record(store):
    asked = ask(store)
    assert (asked.number, asked.who, asked.text, asked.role) == (
        4, "id-Ada", "concession 17", "inspector",
    )  # fmt: skip
    assert overrides_of(store, "cell-1") == []
    later = AT + timedelta(minutes=20)
    with pytest.raises(ConfigError, match="needs a second person"):
        agree(store, "cell-1", PART, asked, by=ADA, at=later)
    assert open_requests(store, "cell-1") == [asked]
    agree(store, "cell-1", PART, asked, by=GRACE, at=later)
    (made,) = overrides_of(store, "cell-1")
    assert (made.kind, made.who, made.second_person, made.is_second_typed, made.text) == (
        OverrideKind.USE_AS_IS, "id-Ada", "id-Grace", False, "concession 17",
    )  # fmt: skip
    assert open_requests(store, "cell-1") == []
    with pytest.raises(ConfigError, match="answered meanwhile"):
        agree(store, "cell-1", PART, asked, by=GRACE, at=later)
    assert audit.verify(store).faults == ()


def test_a_request_that_is_turned_down_leaves_the_part_where_it_was_and_can_be_made_again(store):
    asked = ask(store)
    disagree(store, "cell-1", asked, by=GRACE, at=AT + timedelta(minutes=9))
    assert open_requests(store, "cell-1") == []
    assert overrides_of(store, "cell-1") == []
    again = ask(store, minutes=11.0)
    assert again.at > asked.at


def test_a_decision_about_the_part_ends_the_request(store):
    asked = ask(store)
    reject = make_override(
        PART, OverrideReason.DEFECT_CONFIRMED, by=StationUser("id-Grace"),
        at=AT + timedelta(minutes=8),
    )  # fmt: skip
    record_override(store, "cell-1", PART, reject)
    assert open_requests(store, "cell-1") == []
    with pytest.raises(ConfigError, match="answered meanwhile"):
        disagree(store, "cell-1", asked, by=GRACE, at=AT + timedelta(minutes=9))


def test_what_could_not_be_used_whoever_agrees_is_refused_at_once(store):
    with pytest.raises(ConfigError, match="a text is needed"):
        ask(store, text=" ")
    assert open_requests(store, "cell-1") == []
