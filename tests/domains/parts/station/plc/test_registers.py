"""The register table and the blocks: where each value stands, and when a block may be believed."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from domains.parts.station.plc.blocks import (
    ControlBlock,
    ResultReader,
    StatusBlock,
    decode_control,
    decode_status,
    encode_control,
    encode_status,
    name_values,
    ordered_writes,
    read_block,
    without_life,
)
from domains.parts.station.plc.registers import CONTROL, STATUS
from domains.parts.station.result import LineResult

# Written down from the station's specification, not from the table: (word, bit) or word.
STATUS_PLACES = {
    "trigger_ready": (0, 0), "trigger_ack": (0, 1), "acquiring": (0, 2), "missed_trigger": (0, 3),
    "online": (0, 7), "heartbeat": (0, 15), "inspecting": (1, 0), "completed_toggle": (1, 1),
    "buffer_overrun": (1, 2), "result_valid": (1, 3), "cmd_executing": (1, 4),
    "cmd_complete": (1, 5), "cmd_failed": (1, 6), "is_pass": (1, 8), "is_fail": (1, 9),
    "is_stop": (1, 10), "acq_id": 2, "result_seq": 3, "part_seq_echo": 4, "reason_code": 5,
    "results_waiting": 6, "recipe_judged": 9, "recipe_active": 20, "policy_number": 21,
    "reserved": 22, "result_seq_check": 23,
}  # fmt: skip
STATUS_LONG = {
    "bundle_hash": 7, "elapsed_us": 10, "missed_triggers": 12, "pass_count": 14, "fail_count": 16,
    "stop_count": 18,
}  # fmt: skip
CONTROL_PLACES = {
    "enable": (0, 0), "trigger": (0, 1), "result_ack": (0, 2), "execute_command": (0, 3),
    "clear_latched": (0, 4), "buffer_results": (0, 5), "set_offline": (0, 7), "part_seq": 1,
    "command": 2, "command_argument": 3,
}  # fmt: skip
EMPTY = StatusBlock(result_seq_check=0)


def words_with(length, place, value):
    words = [0] * length
    if isinstance(place, tuple):
        words[place[0]] = value << place[1]
    else:
        words[place] = value
    return tuple(words)


@pytest.mark.parametrize(("field", "place"), STATUS_PLACES.items())
def test_each_value_of_the_status_block_stands_where_the_specification_says(field, place):
    value = 1 if isinstance(place, tuple) else 0xA5C3
    words = words_with(24, place, value)
    assert encode_status(replace(EMPTY, **{field: value})) == words
    assert decode_status(words) == replace(EMPTY, **{field: value})


@pytest.mark.parametrize(("field", "place"), STATUS_LONG.items())
def test_long_values_stand_high_word_first(field, place):
    words = [0] * 24
    words[place : place + 2] = [0x0001, 0x86A0]
    assert encode_status(replace(EMPTY, **{field: 100_000})) == tuple(words)
    assert getattr(decode_status(tuple(words)), field) == 100_000


def test_the_reason_for_being_offline_takes_bits_4_to_6():
    assert encode_status(replace(EMPTY, offline_reason=5))[0] == 0b101_0000


@pytest.mark.parametrize(("field", "place"), CONTROL_PLACES.items())
def test_each_value_of_the_control_block_stands_where_the_specification_says(field, place):
    value = 1 if isinstance(place, tuple) else 0x1007
    words = words_with(16, place, value)
    assert encode_control(ControlBlock(**{field: value})) == words
    assert decode_control(words) == ControlBlock(**{field: value})


def test_a_part_id_is_ascii_padded_with_zeros_first_character_high():
    words = encode_control(ControlBlock(part_id="AB7"))
    assert words == (0, 0, 0, 0, 0x4142, 0x3700, *[0] * 10)
    assert decode_control(words).part_id == "AB7"
    assert encode_control(ControlBlock(part_id="0123456789ABCDEF"))[11] == 0x4546


@pytest.mark.parametrize(
    "block", [ControlBlock(part_id="01234567890123456"), ControlBlock(part_seq=65_536)]
)
def test_what_does_not_fit_is_refused(block):
    with pytest.raises(ValueError, match=r"expected \d+ bits"):
        encode_control(block)


def bits_of(register):
    low, high = register.bits or (0, 15)
    return range(low, high + 1)


@pytest.mark.parametrize(("table", "block"), [(STATUS, StatusBlock), (CONTROL, ControlBlock)])
def test_every_value_of_a_block_has_one_register_and_no_bit_belongs_to_two(table, block):
    assert [register.field for register in table] == [field.name for field in fields(block)]
    taken = [
        (register.address + word, bit)
        for register in table
        for word in range(register.words)
        for bit in bits_of(register)
    ]
    assert len(taken) == len(set(taken))


@given(st.lists(st.integers(0, 0xFFFF), min_size=16, max_size=16).map(tuple))
def test_whatever_a_peer_writes_is_a_control_block(words):
    block = decode_control(words)
    assert block.part_seq == words[1]
    if block.part_id.isascii() and "\0" not in block.part_id:
        assert decode_control(encode_control(block)) == block


def a_result(sequence, result=LineResult.PASS, *, toggle=True, **changed):
    """A block whose whole payload follows from its sequence."""
    return encode_status(
        StatusBlock(
            online=True,
            result_valid=True,
            completed_toggle=toggle,
            is_pass=result is LineResult.PASS,
            is_fail=result is LineResult.FAIL,
            is_stop=result is LineResult.STOP,
            result_seq=sequence,
            result_seq_check=sequence,
            part_seq_echo=sequence ^ 0x5555,
            reason_code=(sequence * 7) & 0xFFFF,
            bundle_hash=sequence * 65_537,
            recipe_judged=(sequence * 3) & 0xFFFF,
            elapsed_us=sequence * 65_521,
            policy_number=(sequence * 11) & 0xFFFF,
            pass_count=sequence,
            **changed,
        )
    )


def result_of(words):
    """Everything a reader uses of one result."""
    block = decode_status(words)
    return (
        block.result, block.result_seq, block.part_seq_echo, block.reason_code, block.bundle_hash,
        block.recipe_judged, block.elapsed_us, block.policy_number,
    )  # fmt: skip


def test_a_block_is_accepted_only_whole_and_with_one_verdict():
    good = a_result(7)
    assert read_block(good) == decode_status(good)
    block = decode_status(good)
    for spoilt in (
        replace(block, result_seq_check=8),
        replace(block, is_pass=False),
        replace(block, is_fail=True),
        replace(block, is_fail=True, is_stop=True),
    ):
        assert read_block(encode_status(spoilt)) is None
    assert read_block(encode_status(StatusBlock())) is None
    with pytest.raises(ValueError, match="24 words, got 23"):
        read_block(good[:23])


def test_a_replayed_block_is_refused_since_its_sequence_did_not_move():
    reader = ResultReader()
    assert reader.accept(a_result(7)).result_seq == 7
    assert reader.accept(a_result(7)) is None
    assert reader.accept(a_result(8, LineResult.FAIL)).result is LineResult.FAIL
    assert reader.accept(a_result(8, LineResult.FAIL)) is None


def test_what_stands_there_when_a_reader_starts_is_old():
    reader = ResultReader()
    reader.skip(a_result(7))
    assert reader.accept(a_result(7)) is None
    assert reader.accept(a_result(8)) is not None


def snapshots(before, after):
    """The block before, and after each write."""
    words = list(before)
    yield tuple(words)
    for address, word in ordered_writes(before, after):
        words[address] = word
        yield tuple(words)


def acknowledged(words):
    """The same block after ResultAck: the verdict is cleared, the payload stands."""
    return (words[0], words[1] & ~0x0708, *words[2:])


results = st.builds(
    a_result, st.integers(0, 0xFFFF), st.sampled_from(LineResult), toggle=st.booleans()
)
blocks = st.one_of(results, results.map(acknowledged))


@given(blocks, blocks)
@example(a_result(0x7FFF), a_result(0x8000))
@example(a_result(0xFFFF), a_result(0))
def test_at_no_write_does_an_accepted_block_mix_two_results(before, after):
    shown = list(snapshots(before, after))
    assert shown[-1] == after
    for words in shown:
        if read_block(words) is not None:
            assert result_of(words) in (result_of(before), result_of(after))


@given(st.integers(0, 0xFFFF), st.sampled_from(LineResult), st.integers(4, 23), st.booleans())
@example(0x7FFF, LineResult.FAIL, 12, False)
@example(0x7FFF, LineResult.FAIL, 12, True)
def test_two_requests_at_any_two_moments_never_make_a_mixed_block(first, second, split, is_upwards):
    before, after = a_result(first), a_result((first + 1) & 0xFFFF, second, toggle=False)
    shown = list(snapshots(before, after))
    for early, words in enumerate(shown):
        for later in shown[early:]:
            low, high = (words, later) if is_upwards else (later, words)
            joined = low[:split] + high[split:]
            if read_block(joined) is not None:
                assert result_of(joined) in (result_of(before), result_of(after))


def test_a_heartbeat_alone_leaves_the_result_readable():
    before, after = a_result(7), a_result(7, heartbeat=True)
    assert ordered_writes(before, after) == [(0, 0x8080)]


@given(st.lists(st.integers(0, 0xFFFF), min_size=24, max_size=24).map(tuple))
def test_behind_a_dead_station_nothing_passes_and_nothing_is_ready(words):
    dead = decode_status(without_life(words))
    assert read_block(without_life(words)) is None
    assert (dead.is_pass, dead.result_valid, dead.online, dead.trigger_ready) == (False,) * 4
    assert dead.offline_reason == 7
    assert dead.heartbeat == decode_status(words).heartbeat


def test_values_go_by_the_names_of_the_table():
    values = name_values(a_result(7, LineResult.FAIL))
    assert (values["FAIL"], values["ResultSeq"], values["ElapsedUs"]) == (True, 7, 7 * 65_521)
    assert "PASS" in values
    assert len(values) == len(STATUS)
