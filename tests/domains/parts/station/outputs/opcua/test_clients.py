"""Clients of OPC UA that command the station, come, go and err."""

from __future__ import annotations

import socket
from time import monotonic, sleep

import pytest
from asyncua import ua

from core.errors import ConfigError
from domains.parts.station.message import message_id
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.outputs.opcua import OpcuaOutput
from domains.parts.station.outputs.opcua_states import VisionState
from domains.parts.station.ports import Command
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for
from tests.domains.parts.station.opcua_client import (
    ONLINE,
    Peer,
    bring_to,
    connected,
)
from tests.domains.parts.station.outputs.opcua.calls import part_of, prepare

pytestmark = [pytest.mark.service, pytest.mark.slow]


def test_halt_reset_and_selecting_the_mode_reach_the_station(line, peer):
    for method, name in (
        ("Halt", "offline"),
        ("Reset", "offline"),
        ("SelectModeAutomatic", "online"),
    ):
        peer.call(method)
        [command] = line.taken()
        assert isinstance(command, Command)
        assert (command.name, command.argument) == (name, "opcua")


def test_errors_alone_are_confirmed_and_nothing_is_simulated(line, peer):
    with pytest.raises(ua.uaerrors.BadInvalidState):
        peer.call("ConfirmAll")
    with pytest.raises(ua.uaerrors.BadNotExecutable):
        peer.call("SimulationMode", True)
    assert peer.call("SimulationMode", False) == 0
    assert line.taken() == []
    bring_to(line, peer, VisionState.ERROR)
    peer.call("ConfirmAll")
    assert line.taken() == []
    assert peer.state() == VisionState.ERROR


def test_a_recipe_is_prepared_when_the_station_says_so(line, peer):
    peer.subscribe()
    waiting = prepare(peer, "4")
    command = line.signals.get(timeout=20)
    assert (command.name, command.argument) == ("recipe", "4")
    command.answer(True, "")
    assert waiting.result(20) == ["screws", True, 0]
    assert peer.events_until("RecipePrepared")[-1][1].ExternalId == "4"
    waiting = prepare(peer, "4")
    line.signals.get(timeout=20).answer(False, "The bundle is missing.")
    assert waiting.result(20) == ["screws", False, 1]
    for number in ("5", "1000", "-1", "", "x"):
        with pytest.raises(ua.uaerrors.BadInvalidArgument):
            peer.call("PrepareRecipe", number)
    assert line.taken() == []


def test_a_recipe_that_takes_long_is_answered_before_the_client_hangs_up(line, peer):
    peer.subscribe()
    assert peer.call("PrepareRecipe", "3") == ["castings", False, 0]
    command = line.signals.get(timeout=20)
    with pytest.raises(ua.uaerrors.BadNotExecutable):
        peer.call("PrepareRecipe", "4")
    command.answer(True, "")
    assert peer.events_until("RecipePrepared")[-1][1].ExternalId == "3"
    waiting = prepare(peer, "4")
    line.signals.get(timeout=20).answer(True, "")
    assert waiting.result(20)[1] is True


def test_a_client_that_hangs_up_in_a_call_leaves_the_station_whole(line, peer):
    bring_to(line, peer, VisionState.INITIALIZED)
    other = Peer(line.endpoint)
    future = prepare(other, "3")
    command = line.signals.get(timeout=20)
    other.drop()
    assert future.cancelled() or future.exception() is not None
    line.status = ONLINE
    command.answer(True, "")
    wait_for(lambda: peer.state() == VisionState.READY, "Ready")
    assert peer.last() in {560, 561}
    waiting = prepare(peer, "3")
    line.signals.get(timeout=20).answer(True, "")
    assert waiting.result(20)[1] is True


def test_a_client_comes_back_as_a_new_one_and_finds_its_result(line, peer):
    other = Peer(line.endpoint)
    other.call("StartSingleJob", "m", "P-3")
    trigger = line.signals.get(timeout=20)
    other.drop()
    part = part_of(trigger, number=80, part_id=trigger.part_id)
    line.output.send(part, WORDS)
    with connected(line) as again:
        wait_for(lambda: again.state() == VisionState.READY, "Ready")
        assert again.call("GetResultById", message_id("s1", part))[0].PartId == "P-3"
        assert again.client.session_timeout == 60_000


def test_a_session_lasts_a_minute_at_most(line):
    peer = Peer(line.endpoint)
    try:
        peer.do(peer.client.disconnect())
        peer.client.session_timeout = 3_600_000
        peer.do(peer.client.connect())
        assert peer.client.session_timeout == 60_000
    finally:
        peer.close()


def test_bytes_that_are_no_opc_ua_hurt_nobody(line, peer):
    port = int(line.endpoint.rpartition(":")[2].partition("/")[0])
    for data in (b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", b"HELF\xff\xff\xff\x7f" + b"x" * 1000):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(data)
            sleep(0.02)
    assert peer.state() == VisionState.READY


def test_a_port_that_is_taken_is_named_at_the_start(line):
    output = OpcuaOutput("s2", OpcuaOptions(endpoint=line.endpoint), print)
    with pytest.raises(ConfigError, match="cannot be served at"):
        output.open()
    output.close()
    with connected(line) as peer:
        assert peer.state() > 0


def test_showing_and_sending_never_wait_for_the_server(line, peer):
    longest = 0.0
    for number in range(300):
        began = monotonic()
        line.output.show(WORDS, {})
        line.output.send(inspected(10_000 + number, at=float(number), part_seq=9), WORDS)
        longest = max(longest, monotonic() - began)
    assert longest < 2.0
    last = message_id("s1", inspected(10_299, at=299.0, part_seq=9))
    wait_for(lambda: peer.call("GetResultById", last)[1] == 0, "the last result")
