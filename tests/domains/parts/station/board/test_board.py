"""The board's one word is the line's truth: nothing passes on it that did not pass on record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from core.records.cases import Counts
from core.types import Disposition, GoodOnly
from domains.parts import pack
from domains.parts.station.board.board import (
    backlog_line,
    certificate_lines,
    challenge_line,
    person_lines,
    rates_today,
    tile,
)
from domains.parts.station.board.headline import BoardState, headline
from domains.parts.station.board.status_file import ShownRecipe
from domains.parts.station.plc.blocks import StatusBlock
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.records.overrides import OverrideReason, make_override
from domains.parts.station.result import LineReason, LineResult
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.inspected import RECORDED_AT, inspected
from tests.domains.parts.station.judging.test_rule import FEW, POLICY

ONLINE = StatusBlock(online=True, trigger_ready=True, acq_id=7, recipe_active=3)
RECIPE = ShownRecipe(3, "castings", False, 6, 8.0)


def shown(block=ONLINE, newest=None, *, is_answering=True) -> tuple[str, str]:
    found = headline(block, newest, is_answering=is_answering)
    return found.state.value, found.word


def test_the_newest_part_on_record_is_the_word_on_the_board():
    assert shown(newest=inspected(7)) == ("pass", "PASS")
    failed = headline(ONLINE, inspected(7, LineReason.DEFECT, detail="hole"), is_answering=True)
    assert (failed.state, failed.word, failed.part_id, failed.number) == ("fail", "FAIL", "P-1", 7)
    assert failed.sentence == "The picture shows a defect. hole"
    assert shown(newest=inspected(7, LineReason.CAMERA_LOST)) == ("stop", "STOP")
    assert shown(replace(ONLINE, acq_id=0)) == ("wait", "READY")


def test_reference_parts_that_are_still_to_be_shown_are_named():
    offline = replace(ONLINE, online=False, offline_reason=int(OfflineReason.CHALLENGE))
    due = headline(offline, None, is_answering=True, outstanding=("b2", "g1"))
    assert due.word == "SHOW REFERENCE PARTS"
    assert due.sentence.startswith("Still to be shown: b2, g1.")
    part = inspected(7, LineReason.DEFECT)
    part = replace(part, trigger=replace(part.trigger, challenge="b1"))
    shown_now = headline(ONLINE, part, is_answering=True, outstanding=("b2", "g1"))
    assert shown_now.sentence == (
        "Reference part b1. The picture shows a defect. Still to be shown: b2, g1."
    )
    last = headline(ONLINE, part, is_answering=True, outstanding=())
    assert last.sentence == "Reference part b1. The picture shows a defect."


def test_a_station_that_does_not_answer_never_shows_its_last_pass():
    assert shown(newest=inspected(7), is_answering=False) == ("stop", "NO ANSWER")
    assert shown(None, inspected(7)) == ("stop", "NO ANSWER")


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        (OfflineReason.STARTING, "STARTING"),
        (OfflineReason.CHALLENGE, "SHOW REFERENCE PARTS"),
        (OfflineReason.OPERATOR, "STOP"),
        (OfflineReason.CAMERA, "STOP"),
        (OfflineReason.STATION, "STOP"),
        (OfflineReason.ENDED, "STOP"),
        (OfflineReason.PLC, "STOP"),
    ],
)
def test_an_offline_station_says_why_and_never_pass(reason, word):
    block = replace(ONLINE, online=False, offline_reason=int(reason))
    assert shown(block, inspected(7)) == ("stop", word)
    assert headline(block, inspected(7), is_answering=True).sentence == reason.sentence


def test_a_lost_camera_brings_its_part_s_detail_onto_the_board():
    block = replace(ONLINE, online=False, offline_reason=int(OfflineReason.CAMERA))
    part = inspected(7, LineReason.CAMERA_CHANGED, detail="serial A, expected B")
    assert headline(block, part, is_answering=True).sentence.endswith("serial A, expected B")


def test_an_answer_that_the_store_does_not_hold_is_shown_and_is_no_pass():
    block = replace(ONLINE, acq_id=8, result_seq=8, is_fail=True, reason_code=25)
    late = headline(block, inspected(7), is_answering=True)
    assert (late.state, late.number) == ("fail", 8)
    assert late.sentence == LineReason.LATE.sentence
    stop = replace(block, is_fail=False, is_stop=True, reason_code=54)
    assert shown(stop, inspected(7)) == ("stop", "STOP")
    # Acknowledged by the PLC, the block says nothing any more.
    assert shown(replace(ONLINE, acq_id=8, result_seq=8), inspected(7)) == ("fail", "FAIL")
    assert shown(replace(block, is_fail=False, is_pass=True), inspected(7)) == ("fail", "FAIL")
    # A part under way has no answer yet, and numbers begin anew after 65535.
    assert shown(replace(ONLINE, acq_id=8, inspecting=True), inspected(7)) == ("pass", "PASS")
    assert shown(replace(ONLINE, acq_id=2), inspected(65537)) == ("fail", "FAIL")
    assert shown(replace(ONLINE, acq_id=65535), inspected(65537)) == ("pass", "PASS")


@given(
    st.builds(
        StatusBlock,
        online=st.booleans(),
        offline_reason=st.integers(0, 7),
        inspecting=st.booleans(),
        acq_id=st.integers(0, 0xFFFF),
        result_seq=st.integers(0, 0xFFFF),
        reason_code=st.integers(0, 80),
        is_pass=st.booleans(),
        is_fail=st.booleans(),
        is_stop=st.booleans(),
    ),
    st.one_of(st.none(), st.sampled_from(LineReason), st.just("PASS")),
    st.booleans(),
)
def test_pass_stands_there_only_for_a_part_that_passed_on_record(block, reason, is_answering):
    newest = None
    if reason is not None:
        newest = inspected(5) if reason == "PASS" else inspected(5, reason)
    found = headline(block, newest, is_answering=is_answering)
    if found.state is BoardState.PASS:
        assert newest is not None
        assert newest.result is LineResult.PASS
        assert is_answering
        assert block.online
    assert ("PASS" in found.word) == (found.state is BoardState.PASS)
    assert found.word


def test_a_reference_part_is_named_as_one():
    part = inspected(7, LineReason.DEFECT)
    part = replace(part, trigger=replace(part.trigger, challenge="b1"))
    found = headline(ONLINE, part, is_answering=True)
    assert found.sentence == "Reference part b1. The picture shows a defect."


def test_a_tile_says_what_came_of_a_part():
    one = tile(inspected(7, LineReason.DEFECT))
    assert (one.title, one.word, one.state, one.score) == ("P-1", "FAIL", "fail", "0.250")
    assert (one.decision, one.elapsed) == ("d7", "83 ms")
    assert tile(inspected(8, part_id="")).title == "No. 8"


def test_the_rates_of_the_day_have_exact_intervals():
    rates = {one.name: one.rate for one in rates_today({"PASS": 190, "FAIL": 10})}
    assert (rates["FAIL"].k, rates["FAIL"].n, rates["STOP"].k) == (10, 200, 0)
    assert rates["FAIL"].low == pytest.approx(beta.ppf(0.025, 10, 191))
    assert rates["FAIL"].high == pytest.approx(beta.ppf(0.975, 11, 190))
    assert rates_today({})[0].rate.describe() == "none seen"


def test_the_board_says_what_is_certified_and_what_is_not_yet():
    lines = certificate_lines(pack, POLICY, RECIPE)
    assert [(one.is_certified, one.brief) for one in lines] == [
        (True, "Escape ≤ 5 % certified on 60 defective parts"),
        (True, "Overkill ≤ 5 % certified on 60 good parts"),
    ]
    assert lines[0].sentence.startswith("At most 5 % of defective parts that pass the gates")
    few = replace(POLICY, escape=FEW)
    (escape, _) = certificate_lines(pack, few, RECIPE)
    assert not escape.is_certified
    assert escape.brief == "Escape ≤ 5 % NOT CERTIFIED yet: 54 more defective parts needed"
    none = replace(POLICY, escape=replace(FEW, n=0, bound=1.0))
    assert certificate_lines(pack, none, RECIPE)[0].brief == (
        "Escape ≤ 5 % NOT CERTIFIED yet: 54 more defective parts needed"
    )
    good = replace(none, overkill=replace(FEW, n=0), good_only=GoodOnly(20, 0.05, 0.05))
    bound = certificate_lines(pack, good, RECIPE)[1]
    assert (bound.is_certified, bound.brief) == (
        False,
        "Overkill ≤ 5 % on average, NOT CERTIFIED yet: 20 good parts",
    )
    assert bound.sentence.startswith("On average at most 5 % of good parts are called out")


def test_a_recipe_that_lets_parts_pass_without_a_certificate_says_so_first():
    allowing = replace(RECIPE, allows_uncertified=True)
    lines = certificate_lines(pack, replace(POLICY, escape=FEW), allowing)
    assert lines[0].brief == "PASS IS NOT CERTIFIED"
    assert len(lines) == 3
    assert len(certificate_lines(pack, POLICY, allowing)) == 2


def test_the_challenge_s_last_time_and_the_next_one_stand_there():
    last = RECORDED_AT
    at = RECORDED_AT + timedelta(hours=2, minutes=10)
    clock = RECORDED_AT.astimezone().strftime("%d.%m. %H:%M")
    assert challenge_line(last, RECIPE, at) == (
        f"Reference parts passed {clock}, 2 h 10 min ago; due again in 5 h 50 min."
    )
    assert challenge_line(last, RECIPE, at + timedelta(hours=6)).endswith("due now.")
    assert challenge_line(None, RECIPE, at) == "Reference parts: never passed."
    without = replace(RECIPE, references=0)
    assert challenge_line(last, without, at) == "This recipe lists no reference parts."


def test_the_audit_is_counted_apart_from_what_waits_for_a_review():
    waiting = {Disposition.NEGATIVE: 3, Disposition.DEFER: 5, Disposition.POSITIVE: 1200}
    assert backlog_line(Counts(waiting, 9, {})) == "3 for the audit, 1,205 for review"


def test_each_person_stands_there_with_what_they_let_through():
    at = RECORDED_AT + timedelta(minutes=7)
    made = [
        make_override(
            inspected(number, LineReason.DEFECT),
            reason,
            by=StationUser("Eva", StationRole.OPERATOR),
            at=at,
        )
        for number, reason in enumerate(
            [OverrideReason.DIRT, OverrideReason.DIRT, OverrideReason.DEFECT_CONFIRMED], 1
        )
    ]
    ((who, line),) = person_lines(made, [("Eva", True), ("Eva", False)])
    assert who == "Eva"
    assert line.startswith("released 66.7 % (2 of 3; 95 % interval 9.42 to 99.2 %), after 7 min")
    assert "known-bad released 50 % (1 of 2; 95 % interval 1.25 to 98.8 %)" in line
