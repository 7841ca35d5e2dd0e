"""OPC UA against a real client: states, jobs and results, and clients that come, go and err."""

from __future__ import annotations

import socket
from concurrent.futures import Future
from dataclasses import replace
from time import monotonic, sleep

import pytest
from asyncua import ua

from core.errors import ConfigError
from domains.parts.station.message import message_id
from domains.parts.station.options import OpcuaOptions
from domains.parts.station.outputs.opcua import OpcuaOutput
from domains.parts.station.outputs.opcua_states import Method, VisionState, entered, next_state
from domains.parts.station.plc.blocks import StatusBlock, encode_status, name_values
from domains.parts.station.plc.registers import STATUS, OfflineReason
from domains.parts.station.ports import Command, TriggerSignal
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for
from tests.domains.parts.station.opcua_client import (
    INNER,
    OBJECTS,
    ONLINE,
    OUTER,
    Line,
    Peer,
    bring_to,
    connected,
)

pytestmark = [pytest.mark.service, pytest.mark.slow]

RESTING = [one for one in VisionState if one is not VisionState.OPERATIONAL]
OFFERED = [one for one in Method if one.value in OBJECTS]
ILLEGAL = (ua.uaerrors.BadInvalidState, ua.uaerrors.BadNotExecutable)


@pytest.fixture(scope="module")
def line():
    it = Line(takes_triggers=True, products={3: "castings", 4: "screws"}, job_limit_s=60.0)
    yield it
    it.close()


@pytest.fixture(scope="module")
def lasting(line):
    """A client for tests that leave it connected."""
    with connected(line) as it:
        yield it


@pytest.fixture
def peer(line, lasting):
    bring_to(line, lasting, VisionState.READY)
    return lasting


def part_of(trigger, *reasons, number=1, **fields):
    return inspected(number, *reasons, at=trigger.at, part_seq=trigger.part_seq, **fields)


def prepare(peer, number) -> Future:
    return peer.start(peer.calling("PrepareRecipe", number, ""))


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
        _, event = lasting.events_until("StateChanged")[-1]
        assert event.TransitionNumber == transition.number
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


def test_a_job_is_a_trigger_and_its_result_has_the_fields_of_the_specification(line, peer):
    peer.subscribe()
    job, error = peer.call("StartSingleJob", "meas-1", "P-1", "3", "castings")
    assert error == 0
    trigger = line.signals.get(timeout=20)
    assert isinstance(trigger, TriggerSignal)
    assert trigger.part_id == "P-1"
    assert trigger.part_seq > 0
    line.status = replace(ONLINE, inspecting=True, acquiring=True)
    wait_for(lambda: peer.read("StatusBlock.Acquiring"), "the cameras")
    line.status = ONLINE
    part = part_of(trigger)
    line.output.send(part, WORDS)
    wait_for(lambda: peer.state() == VisionState.READY, "Ready")
    result = peer.read("ResultManagement.LastResult")
    assert result.ResultId == message_id("s1", part)
    assert (result.IsPartial, result.IsSimulated, result.ResultState) == (False, False, 1)
    assert (result.MeasId, result.PartId, result.JobId) == ("meas-1", "P-1", job)
    assert result.ExternalRecipeId == "3"
    assert result.InternalRecipeId.Id == "castings"
    assert result.InternalRecipeId.Version == part.policy
    assert result.InternalRecipeId.Hash == bytes.fromhex("ab" * 32)
    assert result.InternalRecipeId.HashAlgorithm == "SHA256"
    assert result.CreationTime == part.recorded_at
    assert result.ProcessingTimes.EndTime == part.recorded_at
    elapsed = result.ProcessingTimes.EndTime - result.ProcessingTimes.StartTime
    assert elapsed.total_seconds() == 0.083
    assert result.ProcessingTimes.ProcessingDuration == 83.0
    assert [one.Value for one in result.ResultContent] == [1, 0, [], ""]
    found, error = peer.call("GetResultById", result.ResultId)
    assert (found, error) == (result, 0)
    # The order between these is not specified.
    events = dict(peer.events_until("JobStarted", "AcquisitionDone", "ResultReady"))
    assert events["JobStarted"].JobId == job
    ready = events["ResultReady"]
    assert (ready.ResultId, ready.JobId, ready.MeasId) == (result.ResultId, job, "meas-1")
    assert (ready.ResultState, ready.ResultEvaluation) == (1, 1)


@pytest.mark.parametrize(
    ("reasons", "state", "evaluation"),
    [
        ((), 1, 1),
        ((LineReason.DEFECT,), 1, 2),
        ((LineReason.AMBIGUOUS,), 1, 2),
        ((LineReason.NOVEL,), 1, 2),
        ((LineReason.NOT_CERTIFIED,), 1, 2),
        ((LineReason.LATE,), 4, 2),
        ((LineReason.UNREADABLE,), 4, 2),
        ((LineReason.CAMERA_LOST, LineReason.DEFECT), 4, 2),
    ],
)
def test_only_pass_is_ok_and_a_fault_is_a_failed_inspection(line, peer, reasons, state, evaluation):
    part = inspected(50 + state, *reasons, at=float(len(reasons)), part_seq=0)
    line.output.send(part, WORDS)
    name = message_id("s1", part)
    wait_for(lambda: peer.call("GetResultById", name)[1] == 0, "the result")
    result = peer.call("GetResultById", name)[0]
    assert (result.ResultState, result.ResultContent[0].Value) == (state, evaluation)
    assert result.ResultContent[1].Value == part.verdict.number
    assert result.ResultContent[2].Value == [reason.name for reason in part.reasons]


def test_the_result_of_an_aborted_job_is_never_ok(line, peer):
    job, _ = peer.call("StartSingleJob", "m", "P-9")
    trigger = line.signals.get(timeout=20)
    peer.call("Abort")
    assert peer.last() == 762
    part = part_of(trigger, number=70)
    line.output.send(part, WORDS)
    wait_for(lambda: peer.call("GetResultById", message_id("s1", part))[1] == 0, "the result")
    result = peer.call("GetResultById", message_id("s1", part))[0]
    assert (result.ResultState, result.ResultContent[0].Value, result.JobId) == (3, 2, job)


def test_results_are_listed_by_what_a_client_asks_for(line, peer):
    job, _ = peer.call("StartContinuous", "series")
    parts = [inspected(100 + n, part_id=f"L{n % 2}", at=200.0 + n) for n in range(5)]
    for part in parts:
        line.output.send(part, WORDS)
    last = message_id("s1", parts[-1])
    wait_for(lambda: peer.call("GetResultById", last)[1] == 0, "the results")
    complete, count, listed, error = peer.call(
        "GetResultListFiltered", 0, "series", "L0", "3", job, 2, 0
    )
    assert (complete, count, error) == (False, 2, 0)
    assert [one.ResultId for one in listed] == [message_id("s1", parts[n]) for n in (4, 2)]
    complete, count, listed, _ = peer.call(
        "GetResultListFiltered", 0, "series", "L0", "3", job, 2, 2
    )
    assert (complete, [one.ResultId for one in listed]) == (True, [message_id("s1", parts[0])])
    assert peer.call("GetResultListFiltered", 4, "series", "", "", job, 0, 0)[1] == 0
    assert peer.call("GetResultById", "never heard of")[1] == 1


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


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("m", "x" * 65), "BadInvalidArgument"),
        (("m", "a\nb"), "BadInvalidArgument"),
        (("m", "", "4"), "BadInvalidArgument"),
        (("m", "", "three"), "BadInvalidArgument"),
        (("m", "", "", "screws"), "BadInvalidArgument"),
        (("m", "", "", "", "<xml/>"), "BadInvalidArgument"),
        (("m", 7), "BadInvalidArgument"),
        (("m", ["a"]), "BadInvalidArgument"),
    ],
)
def test_a_job_that_asks_for_something_else_starts_nothing(line, peer, arguments, code):
    with pytest.raises(getattr(ua.uaerrors, code)):
        peer.call("StartSingleJob", *arguments)
    assert peer.state() == VisionState.READY
    assert line.taken() == []


def test_too_few_and_too_many_arguments_are_named(line, peer):
    for arguments, error in (
        ((), ua.uaerrors.BadArgumentsMissing),
        (("a",) * 6, ua.uaerrors.BadTooManyArguments),
    ):
        with pytest.raises(error):
            peer.do(peer.calling("StartSingleJob", *arguments))
    assert line.taken() == []


def test_a_station_that_takes_no_trigger_now_starts_no_job(line, peer):
    line.status = replace(ONLINE, trigger_ready=False)
    wait_for(lambda: not peer.read("StatusBlock.TriggerReady"), "the block")
    with pytest.raises(ua.uaerrors.BadNotExecutable):
        peer.call("StartSingleJob")
    assert peer.state() == VisionState.READY
    assert line.taken() == []


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


def test_a_station_that_is_triggered_otherwise_starts_no_single_job():
    line = Line(takes_triggers=False, job_limit_s=0.1)
    try:
        with connected(line) as peer:
            bring_to(line, peer, VisionState.READY)
            with pytest.raises(ua.uaerrors.BadNotExecutable):
                peer.call("StartSingleJob")
            assert peer.call("StartContinuous")[1] == 0
            sleep(0.3)
            assert peer.state() == VisionState.CONTINUOUS_EXECUTION
    finally:
        line.close()


def test_a_job_that_gets_no_result_does_not_block_the_next(line, peer, monkeypatch):
    monkeypatch.setattr(line.output, "_job_limit_s", 0.2)
    peer.call("StartSingleJob")
    wait_for(lambda: peer.state() == VisionState.READY, "Ready")
    assert peer.last() == 760
    peer.call("StartSingleJob")


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
