"""Jobs and results of OPC UA against a real client."""

from __future__ import annotations

from dataclasses import replace
from time import sleep

import pytest
from asyncua import ua

from domains.parts.station.message import message_id
from domains.parts.station.outputs.opcua_states import VisionState
from domains.parts.station.ports import TriggerSignal
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for
from tests.domains.parts.station.opcua_client import (
    ONLINE,
    Line,
    bring_to,
    connected,
)
from tests.domains.parts.station.outputs.opcua.calls import part_of

pytestmark = [pytest.mark.service, pytest.mark.slow]


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
