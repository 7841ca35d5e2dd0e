"""The handshake under any order of what a PLC and the station do."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domains.parts.station.plc.blocks import (
    ControlBlock,
    StatusBlock,
    decode_status,
    encode_control,
    encode_status,
    read_block,
)
from domains.parts.station.plc.handshake import (
    Handshake,
    ResultAcknowledged,
    Triggered,
)
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import inspected


class Interleavings(RuleBasedStateMachine):
    """A PLC, other triggers and an inspection that do anything in any order.

    ``words`` is what a peer would read: it changes write by write as the station says.
    """

    def __init__(self):
        super().__init__()
        self.handshake = Handshake(needs_enable=False)
        self.handshake.remove_offline(OfflineReason.STARTING)
        self.control = ControlBlock()
        self.words = list(encode_status(StatusBlock()))
        self.number = 65_530  # AcqId turns over
        self.at = 0.0
        self.in_flight = []
        self.accepted, self.published, self.acknowledged = [], [], []
        self.parts = {}
        self.has_plc = False

    def write(self, **changed):
        self.control = replace(self.control, **changed)
        self.has_plc |= self.control.enable
        self.take(self.handshake.control(encode_control(self.control), self.at))

    def take(self, events):
        for event in events:
            if isinstance(event, Triggered):
                self.accept()
            elif isinstance(event, ResultAcknowledged):
                assert self.control.result_ack == bool(self.words[1] & 2)
                self.acknowledged.append(event.number)

    def accept(self):
        self.number += 1
        self.handshake.accept(self.number)
        self.in_flight.append(self.number)
        self.accepted.append(self.number)

    @rule(seq=st.integers(0, 3))
    def plc_raises_trigger(self, seq):
        self.write(trigger=True, part_seq=seq)

    @rule()
    def plc_drops_trigger(self):
        self.write(trigger=False)

    @rule(ack=st.booleans())
    def plc_acks(self, ack):
        self.write(result_ack=ack)

    @rule(buffer=st.booleans(), enable=st.booleans(), offline=st.booleans())
    def plc_changes_its_mind(self, buffer, enable, offline):
        self.write(buffer_results=buffer, enable=enable, set_offline=offline)

    @rule()
    def plc_starts_again(self):
        self.control = ControlBlock()
        self.write()

    @rule(execute=st.booleans(), code=st.sampled_from([0, 999, 1000, 0x1007]))
    def plc_commands(self, execute, code):
        self.write(execute_command=execute, command=code)

    @rule(is_done=st.booleans())
    def command_ends(self, is_done):
        if decode_status(self.handshake.block()).cmd_executing:
            self.handshake.finish_command(is_done)

    @rule()
    def a_trigger_comes_from_elsewhere(self):
        if self.handshake.is_ready:
            self.accept()
        else:
            self.handshake.refuse()

    @precondition(lambda self: self.in_flight)
    @rule(pick=st.integers(0, 8), reasons=st.sets(st.sampled_from(LineReason), max_size=2))
    def a_part_is_done(self, pick, reasons):
        number = self.in_flight.pop(pick % len(self.in_flight))
        part = inspected(number, *reasons, part_seq=number % 1000, at=self.at - 0.001 * number)
        part = replace(part, bundle_sha256=f"{number:08x}", policy=f"{number % 65_536:04x}")
        self.parts[number & 0xFFFF] = part
        assert self.handshake.complete(part, self.at)
        assert not self.handshake.complete(part, self.at)

    @rule()
    def time_passes(self):
        self.at += 0.05
        self.handshake.tick(self.at)

    @invariant()
    def every_prefix_of_the_writes_is_safe(self):
        for address, word in self.handshake.writes():
            self.words[address] = word
            self.check(tuple(self.words))
        assert tuple(self.words) == self.handshake.block()
        assert decode_status(self.handshake.block()).results_waiting <= 8

    def check(self, words):
        block = decode_status(words)
        assert block.is_pass + block.is_fail + block.is_stop == block.result_valid
        accepted = read_block(words)
        if accepted is None:
            return
        part = self.parts[accepted.result_seq]
        assert accepted.result is part.result
        assert accepted.part_seq_echo == part.trigger.part_seq
        assert accepted.reason_code == part.verdict.number
        assert accepted.bundle_hash == part.trigger.number
        assert accepted.policy_number == part.trigger.number & 0xFFFF
        if self.published[-1:] != [part.trigger.number]:
            self.follow(part.trigger.number)

    def follow(self, number):
        """A new result replaced the last: with a PLC, only one that it took."""
        if self.has_plc and self.published:
            assert self.published[-1] in self.acknowledged
        self.published.append(number)

    def teardown(self):
        while self.in_flight:
            self.a_part_is_done(0, set())
            self.every_prefix_of_the_writes_is_safe()
        self.write(enable=True)
        for _ in range(10):
            self.every_prefix_of_the_writes_is_safe()
            self.write(result_ack=bool(self.words[1] & 2))
        assert decode_status(self.handshake.block()).results_waiting == 0
        assert sorted(self.published) == self.accepted
        assert len(set(self.acknowledged)) == len(self.acknowledged)


Interleavings.TestCase.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
TestInterleavings = Interleavings.TestCase
