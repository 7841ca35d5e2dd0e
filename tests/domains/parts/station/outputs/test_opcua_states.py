"""States and transitions of a vision system: the numbers of OPC 40100-1, and no way around them."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.outputs.opcua_machine import (
    NotAllowed,
    VisionJob,
    VisionJobEnd,
    VisionMachine,
)
from domains.parts.station.outputs.opcua_states import (
    TRANSITIONS,
    Method,
    VisionState,
    entered,
    next_state,
)
from domains.parts.station.plc.blocks import StatusBlock
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import inspected

# Tables 84 and 99 of OPC 40100-1, written down apart from the code: from, to, numbers.
SPECIFIED = {
    (1, 2): {121, 120},
    (1, 3): {130},
    (1, 4): {141, 140},
    (1, 5): {151, 150},
    (2, 1): {211, 210},
    (3, 1): {311, 310},
    (3, 2): {321, 320},
    (3, 4): {340},
    (4, 1): {411, 410},
    (4, 2): {421, 420},
    (4, 3): {430},
    (5, 6): {561, 562, 560},
    (6, 5): {651, 652, 650},
    (6, 7): {671, 670},
    (6, 8): {681, 680},
    (7, 6): {760, 761, 762},
    (8, 6): {860, 861, 862},
}
ONLINE = StatusBlock(online=True, trigger_ready=True, recipe_active=3)
STARTING = StatusBlock(offline_reason=OfflineReason.STARTING)
FAULTY = StatusBlock(offline_reason=OfflineReason.CAMERA)


@pytest.mark.parametrize(("source", "target"), list(product(VisionState, VisionState)))
def test_between_two_states_lie_the_specified_transitions_and_no_other(source, target):
    found = {one.number for one in TRANSITIONS if (one.source, one.target) == (source, target)}
    assert found == SPECIFIED.get((source, target), set())


@pytest.mark.parametrize(("state", "cause"), list(product(VisionState, [*Method, *VisionState])))
def test_a_cause_leads_on_from_its_state_and_from_those_within_it(state, cause):
    found = next_state(state, cause)
    sources = {state, state.outer}
    if found is None:
        assert not [
            one
            for one in TRANSITIONS
            if one.source in sources
            and (one.method is cause or (one.method is None and one.target is cause))
        ]
    else:
        assert found.source in sources
        assert found.method is (cause if isinstance(cause, Method) else None)
        assert found.number % 10 == 0 or found.method is not None


def test_halt_and_reset_lead_out_of_every_state_that_is_not_theirs():
    for state in VisionState:
        assert (next_state(state, Method.HALT) is None) == (state is VisionState.HALTED)
        assert (next_state(state, Method.RESET) is None) == (state is VisionState.PREOPERATIONAL)


def numbers(transitions):
    return [one.number for one in transitions]


def ready():
    machine = VisionMachine()
    machine.observe(ONLINE)
    assert machine.state is VisionState.READY
    return machine


def test_a_station_that_starts_gets_ready_by_itself():
    machine = VisionMachine()
    assert numbers(machine.observe(STARTING)) == [150]
    assert numbers(machine.observe(ONLINE)) == [560]
    assert machine.state is VisionState.READY


def test_an_error_interrupts_and_its_end_leads_back():
    machine = ready()
    machine.start(VisionJob("j", False, 1.0, 7))
    assert numbers(machine.observe(FAULTY)) == [430]
    assert machine.job is None
    assert numbers(machine.observe(ONLINE)) == [340, 560]


def test_who_resets_a_station_has_to_select_the_mode_again():
    machine = ready()
    assert numbers(machine.call(Method.RESET)) == [411]
    assert machine.observe(ONLINE) == []
    assert numbers(machine.observe(FAULTY)) == [130]
    assert numbers(machine.observe(ONLINE)) == [310]
    assert numbers(machine.call(Method.SELECT_MODE_AUTOMATIC)) == [151]
    assert numbers(machine.observe(ONLINE)) == [560]


def test_nothing_but_a_reset_leads_out_of_a_halt():
    machine = ready()
    machine.call(Method.HALT)
    for status in (ONLINE, FAULTY, STARTING):
        assert machine.observe(status) == []
    for method in set(Method) - {Method.RESET}:
        with pytest.raises(NotAllowed):
            machine.call(method)
    assert numbers(machine.call(Method.RESET)) == [211]


def test_a_recipe_that_a_client_prepared_makes_ready_by_its_own_number():
    machine = VisionMachine()
    machine.observe(STARTING)
    machine.check(Method.PREPARE_RECIPE)
    assert machine.prepared() == []
    assert numbers(machine.observe(ONLINE)) == [561]
    assert numbers(machine.observe(STARTING)) == [650]
    assert numbers(machine.observe(ONLINE)) == [560]


def test_a_job_ends_with_its_own_result():
    machine = ready()
    job = VisionJob("j", False, 10.0, 7)
    assert numbers(machine.start(job)) == [671]
    assert machine.complete(inspected(1, part_seq=7, at=9.0)) == (None, [])
    assert machine.complete(inspected(2, part_seq=8, at=11.0)) == (None, [])
    found, transitions = machine.complete(inspected(3, part_seq=7, at=10.0))
    assert found is job
    assert numbers(transitions) == [760]


def test_a_continuous_job_gets_every_result_until_it_is_stopped():
    machine = ready()
    job = VisionJob("j", True, 10.0)
    assert numbers(machine.start(job)) == [681]
    for number in (1, 2):
        assert machine.complete(inspected(number)) == (job, [])
    assert numbers(machine.call(Method.STOP)) == [861]
    assert machine.complete(inspected(3)) == (None, [])


def test_what_a_stopped_series_still_inspects_is_no_new_execution():
    machine = ready()
    busy = StatusBlock(online=True, inspecting=True)
    machine.start(VisionJob("j", True, 10.0))
    machine.observe(busy)
    machine.call(Method.STOP)
    assert machine.observe(busy) == []
    assert machine.observe(ONLINE) == []
    assert numbers(machine.observe(busy)) == [670]


def test_the_part_of_an_aborted_job_comes_as_its_result_and_starts_nothing():
    machine = ready()
    busy = StatusBlock(online=True, inspecting=True)
    job = VisionJob("j", False, 10.0, 7)
    machine.start(job)
    assert machine.observe(busy) == []
    assert numbers(machine.call(Method.ABORT)) == [762]
    assert machine.observe(busy) == []
    assert machine.complete(inspected(1, LineReason.DEFECT, part_seq=7, at=10.0)) == (job, [])
    assert job.end is VisionJobEnd.ABORTED
    assert machine.observe(ONLINE) == []
    assert numbers(machine.observe(busy)) == [670]


def test_a_job_without_a_result_ends_after_a_while():
    machine = ready()
    machine.start(VisionJob("j", False, 10.0, 7))
    assert machine.expire(10.0) == []
    assert numbers(machine.expire(10.1)) == [760]
    assert machine.expire(99.0) == []
    assert machine.state is VisionState.READY


def test_what_the_station_inspects_by_itself_is_an_execution_of_its_own():
    machine = ready()
    assert numbers(machine.observe(StatusBlock(online=True, inspecting=True))) == [670]
    with pytest.raises(NotAllowed):
        machine.start(VisionJob("j", False, 1.0, 7))
    assert numbers(machine.observe(ONLINE)) == [760]


calls = st.sampled_from([one for one in Method if one not in {Method.START_SINGLE_JOB}])
statuses = st.builds(
    StatusBlock,
    online=st.booleans(),
    inspecting=st.booleans(),
    offline_reason=st.sampled_from([int(one) for one in OfflineReason]),
)
results = st.builds(
    inspected,
    st.integers(1, 9),
    part_seq=st.integers(0, 3),
    at=st.floats(0, 100),
)
steps = st.one_of(
    st.tuples(st.just("call"), calls),
    st.tuples(st.just("start"), st.booleans()),
    st.tuples(st.just("observe"), statuses),
    st.tuples(st.just("complete"), results),
    st.tuples(st.just("expire"), st.floats(0, 100)),
    st.tuples(st.just("prepared"), st.none()),
)


def take(machine, step, given, count):
    match step:
        case "call":
            return machine.call(given)
        case "start":
            return machine.start(VisionJob(f"j{count}", given, float(count), count % 4))
        case "observe":
            return machine.observe(given)
        case "complete":
            return machine.complete(given)[1]
        case "expire":
            return machine.expire(given)
        case _:
            return machine.prepared()


@given(st.lists(steps, max_size=40))
def test_no_order_of_events_leaves_the_table(events):
    machine = VisionMachine()
    for count, (step, given_) in enumerate(events):
        before, job = machine.state, machine.job
        try:
            transitions = take(machine, step, given_, count)
        except NotAllowed:
            assert (machine.state, machine.job) == (before, job)
            continue
        state = before
        for one in transitions:
            assert one in TRANSITIONS
            assert one.source in {state, state.outer}
            state = entered(one.target)
        assert machine.state is state
        assert machine.state is not VisionState.OPERATIONAL
        if machine.job is not None:
            assert machine.state.is_executing
