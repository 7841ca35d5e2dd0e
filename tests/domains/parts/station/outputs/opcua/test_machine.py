"""The states of OPC UA against a real client, and what the station shows of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asyncua import ua

from domains.parts.station.outputs.opcua_states import Method, VisionState, entered, next_state
from domains.parts.station.plc.blocks import StatusBlock, encode_status, name_values
from domains.parts.station.plc.registers import STATUS, OfflineReason
from tests.domains.parts.station.inspected import wait_for
from tests.domains.parts.station.opcua_client import (
    INNER,
    OBJECTS,
    ONLINE,
    OUTER,
    bring_to,
)
from tests.domains.parts.station.outputs.opcua.calls import ILLEGAL, prepare

pytestmark = [pytest.mark.service, pytest.mark.slow]
RESTING = [one for one in VisionState if one is not VisionState.OPERATIONAL]
OFFERED = [one for one in Method if one.value in OBJECTS]


@pytest.mark.parametrize("source", RESTING)
def test_from_every_state_each_method_leads_where_the_table_says_and_nowhere_else(
    line, lasting, source
):
    reached = set()
    status = ONLINE if source >= VisionState.READY else StatusBlock(offline_reason=1)
    for method in OFFERED:
        bring_to(line, lasting, source, status)
        lasting.subscribe()
        last, transition = lasting.last(), next_state(source, method)
        is_kept = method is Method.RESET and source is VisionState.PREOPERATIONAL
        is_kept |= method is Method.PREPARE_RECIPE and source is VisionState.READY
        if transition is None and not is_kept:
            with pytest.raises(ILLEGAL):
                lasting.call(method.value, *(("3",) if method is Method.PREPARE_RECIPE else ()))
            assert (lasting.state(), lasting.last(), line.taken()) == (source, last, [])
            continue
        if method is Method.PREPARE_RECIPE:
            # The station says when it is done, and that it is online.
            waiting = prepare(lasting, "3")
            line.signals.get(timeout=20).answer(True, "")
            assert waiting.result(20)[1] is True
            line.status = ONLINE
        else:
            lasting.call(method.value)
        if transition is None:
            assert (lasting.state(), lasting.last()) == (source, last)
            continue
        event = None  # on a busy machine those on the way to the source may still come
        while event is None or event.TransitionNumber != transition.number:
            _, event = lasting.events_until("StateChanged")[-1]
        assert event.ToState == entered(transition.target)
        reached.add(event.ToState)
    assert reached == {
        entered(found.target) for m in OFFERED if (found := next_state(source, m)) is not None
    }


def test_what_the_station_shows_leads_on_by_automatic_transitions(line, lasting):
    bring_to(line, lasting, VisionState.READY)
    for status, state, number in (
        (StatusBlock(online=True, inspecting=True), VisionState.SINGLE_EXECUTION, 670),
        (ONLINE, VisionState.READY, 760),
        (StatusBlock(offline_reason=OfflineReason.OPERATOR), VisionState.INITIALIZED, 650),
        (ONLINE, VisionState.READY, 560),
        (StatusBlock(offline_reason=OfflineReason.CAMERA), VisionState.ERROR, 430),
        (ONLINE, VisionState.READY, 560),
        (StatusBlock(offline_reason=OfflineReason.ENDED), VisionState.HALTED, 420),
    ):
        line.status = status
        wait_for(lambda want=state: lasting.state() == want, state.title)
        assert lasting.last() == number
        title = lasting.read(f"{OUTER}.CurrentState").Text
        assert title == state.outer.title
        assert lasting.read(f"{INNER}.CurrentState").Text == (
            state.title if state is not state.outer else ""
        )


def test_the_status_block_is_there_in_words_and_by_name(line, peer):
    line.status = StatusBlock(
        online=True, recipe_active=3, result_seq=70, elapsed_us=70_000, bundle_hash=0xDEADBEEF
    )
    words = encode_status(line.status)
    wait_for(lambda: tuple(peer.read("StatusBlock.Words")) == words, "the block")
    values = name_values(words)
    assert {one.name: peer.read(f"StatusBlock.{one.name}") for one in STATUS} == values
    with pytest.raises(ua.uaerrors.BadUserAccessDenied):
        peer.do(peer.node("StatusBlock.PASS").write_value(True))


def test_a_station_that_falls_silent_is_shown_offline_and_then_in_error(line, peer):
    line.status = replace(ONLINE, is_pass=True, result_valid=True)
    wait_for(lambda: peer.read("StatusBlock.PASS"), "PASS")
    line.is_alive = False
    try:
        wait_for(lambda: peer.state() == VisionState.ERROR, "the error")
        shown = {name: peer.read(f"StatusBlock.{name}") for name in ("PASS", "Online")}
        assert shown == {"PASS": False, "Online": False}
        for method in ("StartSingleJob", "StartContinuous"):
            with pytest.raises(ILLEGAL):
                peer.call(method)
    finally:
        line.is_alive = True
    wait_for(lambda: peer.state() == VisionState.READY, "Ready")
    assert peer.read("StatusBlock.PASS") is True


def test_errors_are_announced_and_so_is_their_end(line, peer):
    peer.subscribe()
    line.status = StatusBlock(offline_reason=OfflineReason.CAMERA)
    events = dict(peer.events_until("Error"))
    assert events["Error"].CauseDescription == OfflineReason.CAMERA.sentence
    assert events["StateChanged"].TransitionNumber == 430
    line.status = ONLINE
    names = [name for name, _ in peer.events_until("Ready")]
    assert "ErrorResolved" in names


def test_what_the_station_has_lost_is_a_variable_and_the_cause_of_the_error(line, peer):
    assert peer.read("StatusBlock.Problems") == []
    peer.subscribe()
    line.problems = ("The folder is gone.", "The broker does not answer.")
    line.status = StatusBlock(offline_reason=OfflineReason.STATION)
    (event,) = [one for name, one in peer.events_until("Error") if name == "Error"]
    assert event.CauseDescription == "The folder is gone. The broker does not answer."
    assert peer.read("StatusBlock.Problems") == list(line.problems)
    line.problems = ()
    wait_for(lambda: peer.read("StatusBlock.Problems") == [], "their end")
