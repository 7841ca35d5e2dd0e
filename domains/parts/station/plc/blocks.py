"""The status and the control block: words to values and back, and when a block may be believed.

A status block is read by peers while it changes, in one request or in two. ``ordered_writes`` is
the order in which a transport that writes word by word has to write, and ``read_block`` the rule
by which a reader accepts: at no moment does an accepted block hold words of two results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from domains.parts.station.plc.registers import (
    CONTROL,
    CONTROL_WORDS,
    STATUS,
    STATUS_WORDS,
    OfflineReason,
    Register,
    Words,
)
from domains.parts.station.result import LineResult

FLAGS = 1  # I1, the word of CompletedToggle, ResultValid, PASS, FAIL and STOP
SEQUENCE, CHECK = 3, 23
VERDICT_BITS = 0x0708  # ResultValid, PASS, FAIL, STOP
RESULT_BITS = VERDICT_BITS | 0x0002  # and CompletedToggle
_RESULT_WORDS = (3, 4, 5, 7, 8, 9, 10, 11, 21, 23)
_INVERSION = 0xFFFF


@dataclass(frozen=True, slots=True)
class StatusBlock:
    """What the station shows; `registers.STATUS` says what each value means."""

    trigger_ready: bool = False
    trigger_ack: bool = False
    acquiring: bool = False
    missed_trigger: bool = False
    offline_reason: int = 0
    online: bool = False
    heartbeat: bool = False
    inspecting: bool = False
    completed_toggle: bool = False
    buffer_overrun: bool = False
    result_valid: bool = False
    cmd_executing: bool = False
    cmd_complete: bool = False
    cmd_failed: bool = False
    is_pass: bool = False
    is_fail: bool = False
    is_stop: bool = False
    acq_id: int = 0
    result_seq: int = 0
    part_seq_echo: int = 0
    reason_code: int = 0
    results_waiting: int = 0
    bundle_hash: int = 0
    recipe_judged: int = 0
    elapsed_us: int = 0
    missed_triggers: int = 0
    pass_count: int = 0
    fail_count: int = 0
    stop_count: int = 0
    recipe_active: int = 0
    policy_number: int = 0
    reserved: int = 0
    result_seq_check: int = _INVERSION

    @property
    def result(self) -> LineResult | None:
        """PASS, FAIL or STOP where exactly one of the three bits is set."""
        results = (LineResult.PASS, LineResult.FAIL, LineResult.STOP)
        bits = (self.is_pass, self.is_fail, self.is_stop)
        return results[bits.index(True)] if sum(bits) == 1 else None


@dataclass(frozen=True, slots=True)
class ControlBlock:
    """What the PLC writes; `registers.CONTROL` says what each value means."""

    enable: bool = False
    trigger: bool = False
    result_ack: bool = False
    execute_command: bool = False
    clear_latched: bool = False
    buffer_results: bool = False
    set_offline: bool = False
    part_seq: int = 0
    command: int = 0
    command_argument: int = 0
    part_id: str = ""
    encoder_count: int = 0
    belt_stopped: bool = False
    rejects_confirmed: int = 0


def encode_status(block: StatusBlock) -> Words:
    """Return the words I0 to I23.

    Raises:
        ValueError: A value does not fit its register.
    """
    return _encode(STATUS, STATUS_WORDS, block)


def decode_status(words: Words) -> StatusBlock:
    """Return the values of the words I0 to I23, whether they may be believed or not.

    Raises:
        ValueError: There are not 24 words.
    """
    return StatusBlock(**_decode(STATUS, STATUS_WORDS, words))  # type: ignore[arg-type]


def encode_control(block: ControlBlock) -> Words:
    """Return the words H0 to H15.

    Raises:
        ValueError: A value does not fit its register, or the part id is no ASCII.
    """
    return _encode(CONTROL, CONTROL_WORDS, block)


def decode_control(words: Words) -> ControlBlock:
    """Return the values of the words H0 to H15; bits and words without a meaning are ignored.

    Raises:
        ValueError: There are not 16 words.
    """
    return ControlBlock(**_decode(CONTROL, CONTROL_WORDS, words))  # type: ignore[arg-type]


def name_values(words: Words) -> Mapping[str, bool | int | str]:
    """Return the status block by the names of the register table, as MQTT and OPC UA show it."""
    return {register.name: register.unpack(words) for register in STATUS}


def read_block(words: Words) -> StatusBlock | None:
    """Return a block that holds one whole result, or None for one that must not be used.

    This is the rule of the reference reader: I3 equals I23, and exactly one of PASS, FAIL, STOP
    is set.

    Raises:
        ValueError: There are not 24 words.
    """
    block = decode_status(words)
    is_whole = block.result_seq == block.result_seq_check
    return block if is_whole and block.result is not None else None


class ResultReader:
    """Accepts each result once: a block whose sequence did not move is refused.

    An answer that a gateway or a driver replays is the previous part's, whole and valid in
    itself. Only its sequence betrays it.
    """

    def __init__(self) -> None:
        self._last: int | None = None

    def skip(self, words: Words) -> None:
        """Take what stands there at the start as old."""
        self._last = decode_status(words).result_seq

    def accept(self, words: Words) -> StatusBlock | None:
        """Return the block where it holds a result that was not accepted before."""
        block = read_block(words)
        if block is None or block.result_seq == self._last:
            return None
        self._last = block.result_seq
        return block


def ordered_writes(before: Words, after: Words) -> list[tuple[int, int]]:
    """Return the writes (address, word) that lead from one block to the next, in their order.

    A new result: the verdict bits fall, I23 is made invalid, then the payload, I3, I23, and last
    I1 with the verdict and CompletedToggle. The bits fall first since a reader who asks for the
    upper half before the lower would join I23 of the old result with bits of the new one.
    """
    if _result_of(before) == _result_of(after):
        return [(at, word) for at, word in enumerate(after) if word != before[at]]
    payload = [at for at in range(STATUS_WORDS) if at not in (FLAGS, SEQUENCE, CHECK)]
    return [
        (FLAGS, before[FLAGS] & ~VERDICT_BITS),
        (CHECK, _invalid_check(before[SEQUENCE], after[SEQUENCE])),
        *((at, after[at]) for at in payload if after[at] != before[at]),
        (SEQUENCE, after[SEQUENCE]),
        (CHECK, after[CHECK]),
        (FLAGS, after[FLAGS]),
    ]


def without_life(words: Words) -> Words:
    """Return the block as it stands behind a station that does not answer: offline, no result."""
    ended = replace(
        decode_status(words),
        trigger_ready=False,
        online=False,
        offline_reason=OfflineReason.ENDED,
        result_valid=False,
        is_pass=False,
        is_fail=False,
        is_stop=False,
        result_seq_check=words[SEQUENCE] ^ _INVERSION,
    )
    return encode_status(ended)


def _encode(table: tuple[Register, ...], length: int, block: StatusBlock | ControlBlock) -> Words:
    words = [0] * length
    for register in table:
        register.pack(words, getattr(block, register.field))
    return tuple(words)


def _decode(table: tuple[Register, ...], length: int, words: Words) -> dict[str, bool | int | str]:
    if len(words) != length:
        raise ValueError(f"expected a block of {length} words, got {len(words)}")
    return {register.field: register.unpack(words) for register in table}


def _result_of(words: Words) -> tuple[int, ...]:
    return (words[FLAGS] & RESULT_BITS, *(words[at] for at in _RESULT_WORDS))


def _invalid_check(before: int, after: int) -> int:
    """Return an I23 that equals neither sequence; 0x7FFF inverted is the number that follows it."""
    inverted = before ^ _INVERSION
    return inverted if inverted != after else inverted ^ 1
