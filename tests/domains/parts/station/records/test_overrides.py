"""A person's decision is another record with a name and a reason, and who never looks is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from core.errors import ConfigError
from core.records import audit
from domains.parts.station.records.overrides import (
    OverrideKind,
    OverrideReason,
    confirmed_bad,
    is_released,
    make_override,
    overrides_of,
    rates_by_person,
    rates_by_reason,
    record_override,
    record_salt_answer,
    salt_answers,
)
from domains.parts.station.records.parts import PartRecorder, parts_of
from domains.parts.station.records.verify_queue import SaltAlarm, VerifyItem, alarm_of, salt_queue
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.records.test_parts import a_draft
from tests.domains.parts.station.spc.test_control_charts import _part

AT = datetime(2026, 11, 29, tzinfo=UTC)
RELEASE = OverrideReason.REFLECTION
AS_IS = OverrideReason.CONCESSION


def override(part, reason=RELEASE, *, who="Eva", role=StationRole.OPERATOR, minutes=7.0, **more):
    at = AT + timedelta(minutes=minutes)
    return make_override(part, reason, by=StationUser(who, role), at=at, **more)


def test_a_release_is_a_record_of_its_own_and_the_verdict_stands():
    part = _part(4, LineReason.DEFECT)
    made = override(part, text=" glare from the lamp ")
    assert (made.number, made.kind, made.minutes) == (4, OverrideKind.RELEASE, 7.0)
    assert made.text == "glare from the lamp"
    assert part.result is LineResult.FAIL
    assert is_released(part, made)
    assert not is_released(part, None)
    assert not is_released(part, override(part, OverrideReason.DEFECT_CONFIRMED))
    passed = _part(5)
    assert is_released(passed, None)
    assert not is_released(passed, override(passed, OverrideReason.DEFECT_MISSED))


def test_using_a_defective_part_as_it_is_needs_a_second_person_and_a_text():
    part = _part(4, LineReason.DEFECT)
    made = override(part, AS_IS, text="concession 17", second_person="Jan")
    assert (made.kind, made.second_person) == (OverrideKind.USE_AS_IS, "Jan")
    assert made.is_second_typed
    assert not override(part, text="glare").is_second_typed
    for second in ("", "Eva", " eva "):
        with pytest.raises(ConfigError, match="needs a second person"):
            override(part, AS_IS, text="concession 17", second_person=second)
    with pytest.raises(ConfigError, match="a text is needed"):
        override(part, AS_IS, second_person="Jan")


@pytest.mark.parametrize(
    ("part", "given", "objection"),
    [
        (_part(1), {}, "the station passed it"),
        (_part(1, LineReason.DEFECT), {"who": " "}, "no name is given"),
        (_part(1, LineReason.DISK), {}, "after a STOP a lead releases"),
        (_part(1, LineReason.DEFECT), {"minutes": -1.0}, "check the clock"),
        (_part(1, LineReason.DEFECT, challenge="bad-1"), {}, "it is a reference part"),
        (
            _part(1, LineReason.DEFECT),
            {"reason": OverrideReason.RELEASED_OTHERWISE},
            "a text is needed",
        ),
    ],
)
def test_what_may_not_be_overridden_says_why(part, given, objection):
    with pytest.raises(ConfigError, match=objection):
        override(part, **given)
    # Every objection is named at once.
    with pytest.raises(ConfigError, match=r"no name is given.*check the clock"):
        override(part, who="", minutes=-1.0)


def test_a_lead_releases_after_a_stop():
    assert override(_part(1, LineReason.DISK), role=StationRole.LEAD).role == "lead"


def test_every_reason_belongs_to_one_decision():
    for kind in OverrideKind:
        assert [reason for reason in OverrideReason if reason.kind is kind]


def test_decisions_are_on_record_and_the_last_one_counts(store):
    recorder = PartRecorder(store, "line 1")
    recorder.start()
    committed = [
        recorder.commit(a_draft(n, LineVerdict.because(LineReason.DEFECT))) for n in (1, 2)
    ]
    at = committed[1].recorded_at + timedelta(minutes=3)
    for part, reason in (
        (committed[0], RELEASE),
        (committed[1], RELEASE),
        (committed[1], OverrideReason.DEFECT_CONFIRMED),
    ):
        made = make_override(
            part, reason, by=StationUser("Eva", StationRole.INSPECTOR), at=at, text="looked"
        )
        record_override(store, "line 1", part, made)
    found = overrides_of(store, "line 1")
    assert [(one.number, one.reason) for one in found] == [
        (2, OverrideReason.DEFECT_CONFIRMED),
        (1, RELEASE),
    ]
    assert (found[0].who, found[0].role, found[0].text) == ("Eva", "inspector", "looked")
    assert found[0].minutes == pytest.approx(3.0)
    assert overrides_of(store, "line 2") == []
    # The station's own rows are as they were, and all is covered by the log.
    assert [part.result for part in parts_of(store, "line 1")] == [LineResult.FAIL] * 2
    report = audit.verify(store)
    assert report.faults == ()


def test_answers_to_known_bad_parts_are_counted_apart_from_overrides(store):
    for number, released in ((7, True), (8, False), (7, False)):
        record_salt_answer(store, "line 1", number, "Eva", AT, is_released=released)
    assert salt_answers(store, "line 1") == [("Eva", False), ("Eva", False), ("Eva", True)]
    assert overrides_of(store, "line 1") == []
    eva = rates_by_person([], salt_answers(store, "line 1"))["Eva"]
    assert (eva.salt_released.k, eva.salt_released.n, eva.released.n) == (1, 3, 0)
    assert audit.verify(store).faults == ()


def test_parts_found_bad_again_salt_the_queue():
    parts = [_part(n, LineReason.DEFECT) for n in (1, 2, 3)]
    decided = [
        override(parts[0]),
        override(parts[1], OverrideReason.DEFECT_CONFIRMED),
        override(parts[2], OverrideReason.WRONG_PART),
    ]
    assert confirmed_bad(decided) == [2]


def test_rates_by_person_and_reason_have_exact_intervals():
    parts = [_part(n, LineReason.DEFECT) for n in range(10)]
    decided = [override(part, minutes=n) for n, part in enumerate(parts[:7])]
    decided += [override(part, OverrideReason.DEFECT_CONFIRMED, who="Jan") for part in parts[7:]]
    answers = [("Eva", True), ("Eva", False), ("Eva", True), ("Ulf", False)]
    rates = rates_by_person(decided, answers)
    assert list(rates) == ["Eva", "Jan", "Ulf"]
    eva, jan, ulf = rates.values()
    assert (eva.released.k, eva.released.n, eva.minutes) == (7, 7, 3.0)
    assert (eva.salt_released.k, eva.salt_released.n) == (2, 3)
    assert (eva.salt_released.low, eva.salt_released.high) == pytest.approx(
        (beta.ppf(0.025, 2, 2), beta.ppf(0.975, 3, 1))
    )
    assert (jan.released.k, jan.released.n) == (0, 3)
    assert (ulf.released.n, ulf.minutes, ulf.salt_released.n) == (0, None, 1)
    reasons = rates_by_reason(decided)
    assert list(reasons) == [RELEASE, OverrideReason.DEFECT_CONFIRMED]
    assert (reasons[RELEASE].k, reasons[RELEASE].n) == (7, 10)


BAD = [100_001, 100_002, 100_003]


@pytest.mark.parametrize("share", [0.01, 0.02, 0.2])
def test_the_queue_holds_the_share_asked_of_known_bad_parts(share):
    queue = salt_queue(range(60_000), BAD, share, b"secret")
    salt = [item for item in queue if item.is_salt]
    assert len(salt) / len(queue) == pytest.approx(share, rel=0.1)
    assert {item.number for item in salt} == set(BAD)
    assert [item.number for item in queue if not item.is_salt] == list(range(60_000))


def test_the_same_queue_is_salted_alike_and_another_key_salts_another():
    first = salt_queue(range(2000), BAD, 0.02, b"secret")
    assert salt_queue(range(2000), BAD, 0.02, b"secret") == first
    assert salt_queue(range(2000), BAD, 0.02, b"other") != first
    # What was worked off changes nothing for the rest.
    rest = salt_queue(range(1000, 2000), BAD, 0.02, b"secret")
    assert first[-len(rest) :] == rest


@given(
    numbers=st.lists(st.integers(0, 300), unique=True, max_size=100),
    bad=st.lists(st.integers(0, 300), unique=True, max_size=5),
    share=st.floats(0, 0.9),
)
def test_no_part_is_lost_or_doubled_by_salting(numbers, bad, share):
    queue = salt_queue(numbers, bad, share, b"k")
    assert [item.number for item in queue if not item.is_salt] == numbers
    assert {item.number for item in queue if item.is_salt} <= set(bad) - set(numbers)


def test_releasing_a_known_bad_part_raises_an_alarm_and_nothing_else_does():
    salt = VerifyItem(100_001, is_salt=True)
    alarm = alarm_of(salt, "Eva", is_released=True)
    assert alarm == SaltAlarm(100_001, "Eva")
    assert "Eva released part 100001, which is known to be bad" in alarm.sentence
    assert alarm_of(salt, "Eva", is_released=False) is None
    assert alarm_of(VerifyItem(7, is_salt=False), "Eva", is_released=True) is None
    with pytest.raises(ValueError, match="expected 0 to below 1"):
        salt_queue([1], BAD, 1.0, b"k")
