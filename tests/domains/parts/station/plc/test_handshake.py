"""The handshake: any order of triggers, acks, commands and results loses and mixes nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

import pytest

from domains.parts.station.plc.blocks import (
    ControlBlock,
    decode_status,
    encode_control,
    read_block,
)
from domains.parts.station.plc.handshake import (
    CommandAsked,
    Handshake,
    ResultAcknowledged,
    Triggered,
    TriggerMissed,
)
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.result import LineReason, LineResult
from tests.domains.parts.station.inspected import inspected

ENABLED = ControlBlock(enable=True)


def an_online(*, needs_enable=True, **control):
    """A handshake that is online and enabled, and the control block that made it so."""
    handshake = Handshake(needs_enable=needs_enable)
    handshake.remove_offline(OfflineReason.STARTING)
    block = replace(ENABLED, **control)
    handshake.control(encode_control(block), 0.0)
    return handshake, block


def shown(handshake):
    return decode_status(handshake.block())


def trigger(handshake, block, number, at=1.0):
    """A whole trigger pulse that the station accepts."""
    events = handshake.control(encode_control(replace(block, trigger=True)), at)
    assert [type(event) for event in events] == [Triggered]
    handshake.accept(number)
    handshake.control(encode_control(block), at)


def test_one_part_from_trigger_to_ack():
    handshake, block = an_online()
    asked = replace(block, trigger=True, part_seq=77, part_id="A1")
    assert handshake.control(encode_control(asked), 5.0) == [Triggered(5.0, 77, "A1")]
    assert (shown(handshake).trigger_ready, shown(handshake).trigger_ack) == (False, False)
    handshake.accept(65_543)
    taken = shown(handshake)
    assert (taken.trigger_ack, taken.acquiring, taken.inspecting, taken.acq_id) == (True,) * 3 + (
        7,
    )
    handshake.finish_acquisition(65_543)
    handshake.control(encode_control(block), 5.1)
    assert (shown(handshake).trigger_ack, shown(handshake).acquiring) == (False, False)

    part = inspected(65_543, LineReason.DEFECT, LineReason.NOVEL, part_seq=77, at=5.0)
    assert handshake.complete(part, 5.0834)
    done = read_block(handshake.block())
    assert (done.result, done.result_seq, done.part_seq_echo) == (LineResult.FAIL, 7, 77)
    assert (done.reason_code, done.elapsed_us, done.recipe_judged) == (1, 83_400, 3)
    assert (done.bundle_hash, done.policy_number) == (0xABABABAB, 0x0123)
    assert (done.completed_toggle, done.result_valid, done.fail_count) == (True, True, 1)
    assert not done.trigger_ready

    acked = replace(block, result_ack=True)
    assert handshake.control(encode_control(acked), 5.2) == [ResultAcknowledged(65_543)]
    after = shown(handshake)
    assert (after.result, after.result_valid, after.trigger_ready) == (None, False, True)
    assert (after.result_seq, after.part_seq_echo) == (7, 77)


def test_a_trigger_before_the_ack_is_missed_and_the_result_stands():
    handshake, block = an_online()
    trigger(handshake, block, 1)
    handshake.complete(inspected(1), 1.1)
    before = handshake.block()
    asked = encode_control(replace(block, trigger=True, part_seq=2))
    assert handshake.control(asked, 1.2) == [TriggerMissed(1.2, 2, "")]
    after = shown(handshake)
    assert (after.missed_trigger, after.missed_triggers, after.trigger_ack) == (True, 1, False)
    assert not after.buffer_overrun
    assert handshake.block()[1:12] == before[1:12]


def test_nine_results_fit_and_the_tenth_trigger_is_refused():
    handshake, block = an_online(buffer_results=True)
    for number in range(1, 10):
        trigger(handshake, block, number)
        assert handshake.complete(inspected(number, part_seq=number), 1.1)
    full = shown(handshake)
    assert (full.results_waiting, full.result_seq, full.trigger_ready) == (8, 1, False)
    asked = encode_control(replace(block, trigger=True))
    assert [type(event) for event in handshake.control(asked, 1.2)] == [TriggerMissed]
    assert (shown(handshake).buffer_overrun, shown(handshake).missed_trigger) == (True, True)
    observed = []
    for _ in range(9):
        result = read_block(handshake.block())
        observed.append(result.result_seq)
        block = replace(block, result_ack=result.completed_toggle)
        assert handshake.control(encode_control(block), 2.0) == [ResultAcknowledged(observed[-1])]
    assert observed == list(range(1, 10))
    assert read_block(handshake.block()) is None


def test_latched_bits_fall_on_a_rising_edge_alone():
    handshake, block = an_online(clear_latched=True)
    handshake.refuse()
    handshake.control(encode_control(block), 1.0)
    assert shown(handshake).missed_trigger
    handshake.control(encode_control(replace(block, clear_latched=False)), 1.0)
    assert shown(handshake).missed_trigger
    handshake.control(encode_control(block), 1.0)
    assert (shown(handshake).missed_trigger, shown(handshake).missed_triggers) == (False, 1)


@pytest.mark.parametrize("ack", [False, True])
def test_a_station_that_started_again_publishes_what_no_old_ack_takes(ack):
    handshake, block = an_online(result_ack=ack)
    trigger(handshake, block, 1)
    handshake.complete(inspected(1), 1.1)
    assert handshake.control(encode_control(block), 1.2) == []
    assert shown(handshake).result_valid
    assert shown(handshake).completed_toggle is not ack


@pytest.mark.parametrize("first", [ControlBlock(trigger=True), ControlBlock(True, trigger=True)])
def test_a_plc_that_holds_trigger_while_the_station_starts_triggers_nothing(first):
    handshake = Handshake(needs_enable=True)
    handshake.remove_offline(OfflineReason.STARTING)
    assert [type(one) for one in handshake.control(encode_control(first), 0.0)] == [TriggerMissed]
    still = replace(first, enable=True)
    assert handshake.control(encode_control(still), 0.1) == []


def test_an_ack_and_the_next_trigger_may_come_in_one_write():
    handshake, block = an_online()
    trigger(handshake, block, 1)
    handshake.complete(inspected(1), 1.1)
    both = replace(block, result_ack=True, trigger=True, part_seq=2)
    assert handshake.control(encode_control(both), 1.2) == [
        ResultAcknowledged(1),
        Triggered(1.2, 2, ""),
    ]


def test_a_second_result_of_one_trigger_is_dropped():
    handshake, block = an_online()
    trigger(handshake, block, 1)
    assert handshake.complete(inspected(1, LineReason.LATE), 1.5)
    before = handshake.block()
    assert not handshake.complete(inspected(1), 1.6)
    assert handshake.block() == before
    assert not handshake.complete(inspected(2), 1.6)


def test_without_a_plc_each_result_stands_until_the_next():
    handshake = Handshake(needs_enable=False)
    handshake.remove_offline(OfflineReason.STARTING)
    toggles = []
    for number in range(1, 4):
        assert handshake.is_ready
        handshake.accept(number)
        handshake.complete(inspected(number, part_seq=0), 13.0)
        result = read_block(handshake.block())
        assert (result.result_seq, result.results_waiting) == (number, 0)
        toggles.append(result.completed_toggle)
    assert toggles == [True, False, True]


def test_triggers_from_elsewhere_are_refused_where_a_plc_left_results_standing():
    handshake, block = an_online(needs_enable=False)
    handshake.accept(1)
    handshake.complete(inspected(1), 13.0)
    assert not handshake.is_ready
    with pytest.raises(ValueError, match="trigger 2 is not ready"):
        handshake.accept(2)
    handshake.control(encode_control(replace(block, result_ack=True)), 14.0)
    assert handshake.is_ready


def test_reference_parts_are_shown_and_not_counted():
    handshake, block = an_online()
    trigger(handshake, block, 1)
    part = inspected(1)
    handshake.complete(replace(part, trigger=replace(part.trigger, challenge="good-1")), 1.0)
    assert (read_block(handshake.block()).result, shown(handshake).pass_count) == (
        LineResult.PASS,
        0,
    )


def test_offline_shows_its_gravest_reason_and_refuses_triggers():
    handshake, block = an_online(set_offline=True)
    assert (shown(handshake).online, shown(handshake).offline_reason) == (False, 2)
    handshake.add_offline(OfflineReason.CAMERA)
    assert shown(handshake).offline_reason == 5
    block = replace(block, set_offline=False)
    handshake.control(encode_control(block), 1.0)
    assert (shown(handshake).online, shown(handshake).trigger_ready) == (False, False)
    asked = encode_control(replace(block, trigger=True))
    assert [type(event) for event in handshake.control(asked, 1.0)] == [TriggerMissed]
    handshake.remove_offline(OfflineReason.CAMERA)
    assert (shown(handshake).online, shown(handshake).offline_reason) == (True, 0)


def test_neither_plc_nor_client_brings_a_station_online_that_another_took_offline():
    handshake, block = an_online()
    handshake.take_offline("client", True)
    handshake.control(encode_control(block), 1.0)
    assert shown(handshake).offline_reason == OfflineReason.PLC
    handshake.control(encode_control(replace(block, set_offline=True)), 2.0)
    handshake.take_offline("client", False)
    assert not handshake.is_online
    handshake.add_offline(OfflineReason.OPERATOR)
    handshake.control(encode_control(block), 3.0)
    handshake.take_offline("client", False)
    assert shown(handshake).offline_reason == OfflineReason.OPERATOR
    handshake.remove_offline(OfflineReason.OPERATOR)
    assert handshake.is_online


def test_a_command_is_asked_once_and_answered_until_the_bit_falls():
    handshake, block = an_online()
    asked = encode_control(replace(block, execute_command=True, command=12, command_argument=3))
    assert handshake.control(asked, 1.0) == [CommandAsked(12, 3)]
    assert handshake.control(asked, 1.1) == []
    assert shown(handshake).cmd_executing
    handshake.finish_command(True)
    assert (shown(handshake).cmd_executing, shown(handshake).cmd_complete) == (False, True)
    handshake.control(encode_control(block), 1.2)
    assert (shown(handshake).cmd_complete, shown(handshake).cmd_failed) == (False, False)


@pytest.mark.parametrize("code", [1000, 0x1006, 0xFFFF])
def test_an_unknown_command_fails_at_once(code):
    handshake, block = an_online()
    asked = encode_control(replace(block, execute_command=True, command=code))
    assert handshake.control(asked, 1.0) == []
    assert (shown(handshake).cmd_failed, shown(handshake).cmd_executing) == (True, False)


def test_a_second_command_before_the_first_is_done_never_reads_as_complete():
    handshake, block = an_online()
    for code in (1, 2):
        handshake.control(encode_control(block), 1.0)
        asked = replace(block, execute_command=True, command=code)
        assert len(handshake.control(encode_control(asked), 1.0)) == (code == 1)
    handshake.finish_command(True)
    assert (shown(handshake).cmd_complete, shown(handshake).cmd_failed) == (False, True)


def test_the_heartbeat_changes_with_the_ticks_and_stands_without():
    handshake, _ = an_online()
    beats = []
    for tick in range(20):
        handshake.tick(tick * 0.05)
        beats.append(shown(handshake).heartbeat)
    longest = max(len(list(run)) for _, run in groupby(beats))
    assert (beats[0], longest <= 3, len(set(beats))) == (True, True, 2)
    assert [shown(handshake).heartbeat for _ in range(3)] == [False] * 3
