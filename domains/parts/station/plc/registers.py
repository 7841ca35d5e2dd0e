"""The register table: every word and bit between a station and a PLC, as data.

One table for encoding and decoding, for `assay parts station registers`, and for the page that a
PLC is programmed from. Words have 16 bits, bit 0 is the lowest; 32-bit values stand high word
first; text has two characters a word, the first in the high byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

Words = tuple[int, ...]

STATUS_WORDS = 24
CONTROL_WORDS = 16


@dataclass(frozen=True, slots=True)
class Register:
    """One value of a block.

    Attributes:
        address: Its first word, counted from 0 as Modbus does on the wire.
        name: What it is called in this table, in MQTT and in OPC UA.
        meaning: What it says, for whoever programs the PLC.
        bits: Lowest and highest bit; None for whole words.
        words: How many words it takes.
        is_text: Whether the words hold ASCII characters, padded with zeros.
    """

    address: int
    name: str
    meaning: str
    bits: tuple[int, int] | None = None
    words: int = 1
    is_text: bool = False

    @property
    def field(self) -> str:
        """Its attribute in `StatusBlock` or `ControlBlock`: `trigger_ready`, `is_pass`, …."""
        if self.name.isupper():
            return f"is_{self.name.lower()}"
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()

    @property
    def is_flag(self) -> bool:
        """Whether it is one bit."""
        return self.bits is not None and self.bits[0] == self.bits[1]

    @property
    def type(self) -> str:
        """Its data type in the words of PLCs."""
        if self.is_text:
            return f"STRING[{2 * self.words}]"
        if self.bits is None:
            return "UDINT" if self.words == 2 else "UINT"
        return "BOOL" if self.is_flag else "UINT"

    @property
    def word_order(self) -> str:
        """How its words and bytes follow each other; empty for a single number of one word."""
        if self.is_text:
            return "first character in the high byte of the first word"
        return "high word first" if self.words == 2 else ""

    def pack(self, words: list[int], value: bool | int | str) -> None:
        """Put a value into the words of its block.

        Raises:
            ValueError: It does not fit.
        """
        number, size = self._number(value), self._size
        if not 0 <= number < 1 << size:
            raise ValueError(f"{self.name}: expected {size} bits without sign, got {value!r}")
        if self.bits is not None:
            words[self.address] |= number << self.bits[0]
            return
        for offset in range(self.words):
            words[self.address + offset] = number >> 16 * (self.words - 1 - offset) & 0xFFFF

    def unpack(self, words: Words) -> bool | int | str:
        """Return its value in a block; text that is no ASCII gets replacement characters."""
        number = 0
        for offset in range(self.words):
            number = number << 16 | words[self.address + offset]
        if self.is_text:
            text = number.to_bytes(2 * self.words, "big").partition(b"\0")[0]
            return text.decode("ascii", "replace")
        if self.bits is None:
            return number
        number = number >> self.bits[0] & (1 << self._size) - 1
        return bool(number) if self.is_flag else number

    @property
    def _size(self) -> int:
        return 16 * self.words if self.bits is None else self.bits[1] - self.bits[0] + 1

    def _number(self, value: bool | int | str) -> int:
        if not self.is_text:
            return int(value)
        text = str(value).encode("ascii")
        return int.from_bytes(text.ljust(2 * self.words, b"\0"), "big")


def _bit(address: int, bit: int, name: str, meaning: str) -> Register:
    return Register(address, name, meaning, (bit, bit))


STATUS = (
    _bit(0, 0, "TriggerReady", "A trigger given now is accepted."),
    _bit(0, 1, "TriggerAck", "The trigger is accepted; falls when Trigger falls."),
    _bit(0, 2, "Acquiring", "A camera is still taking the picture: leave the part where it is."),
    _bit(0, 3, "MissedTrigger", "Latched: a trigger was refused and gets no result."),
    Register(0, "OfflineReason", "Why Online is 0; 0 while it is 1.", (4, 6)),
    _bit(0, 7, "Online", "The station inspects."),
    _bit(0, 15, "Heartbeat", "Changes at least every 200 ms while the station lives."),
    _bit(1, 0, "Inspecting", "At least one accepted trigger has no result yet."),
    _bit(1, 1, "CompletedToggle", "Differs from ResultAck while a result waits for it."),
    _bit(1, 2, "BufferOverrun", "Latched: a trigger was refused because the buffer was full."),
    _bit(1, 3, "ResultValid", "I3 to I11 and I21 hold a result, and one of PASS, FAIL, STOP is 1."),
    _bit(1, 4, "CmdExecuting", "A command is being carried out."),
    _bit(1, 5, "CmdComplete", "The command was carried out; falls when ExecuteCommand falls."),
    _bit(1, 6, "CmdFailed", "The command was refused; falls when ExecuteCommand falls."),
    _bit(1, 8, "PASS", "The part passes."),
    _bit(1, 9, "FAIL", "The part is rejected."),
    _bit(1, 10, "STOP", "The part is rejected and the line has to stop."),
    Register(2, "AcqId", "Number of the last accepted trigger, modulo 65536."),
    Register(3, "ResultSeq", "AcqId of the trigger that this result belongs to."),
    Register(4, "PartSeqEcho", "PartSeq that came with that trigger."),
    Register(5, "ReasonCode", "Gravest reason of FAIL or STOP; 0 with PASS."),
    Register(6, "ResultsWaiting", "Results behind this one, 0 to 8."),
    Register(7, "BundleHash", "First 32 bits of the bundle's sha256; 0 if none judged.", words=2),
    Register(9, "RecipeJudged", "Recipe that was active at that trigger."),
    Register(10, "ElapsedUs", "Microseconds from trigger to output.", words=2),
    Register(12, "MissedTriggers", "Refused triggers since the station's start.", words=2),
    Register(14, "PassCount", "PASS results since the start, reference parts apart.", words=2),
    Register(16, "FailCount", "FAIL results since the start, reference parts apart.", words=2),
    Register(18, "StopCount", "STOP results since the start, reference parts apart.", words=2),
    Register(20, "RecipeActive", "Recipe that the next trigger is judged by."),
    Register(21, "PolicyNumber", "First 16 bits of the policy's id; 0 if none judged."),
    Register(22, "Reserved", "0."),
    Register(23, "ResultSeqCheck", "The same as ResultSeq, or else the block is not valid."),
)

CONTROL = (
    _bit(0, 0, "Enable", "The PLC takes part: triggers are taken, results wait for ResultAck."),
    _bit(0, 1, "Trigger", "Rising edge: a part is in front of the camera."),
    _bit(0, 2, "ResultAck", "Set equal to CompletedToggle once the result was taken."),
    _bit(0, 3, "ExecuteCommand", "Rising edge: carry out Command."),
    _bit(0, 4, "ClearLatched", "Rising edge: clear MissedTrigger and BufferOverrun."),
    _bit(0, 5, "BufferResults", "Up to eight results may wait; 0: one part at a time."),
    _bit(0, 7, "SetOffline", "1 takes the station offline until it is 0 again."),
    Register(1, "PartSeq", "The PLC's own number of the part, echoed in PartSeqEcho."),
    Register(2, "Command", "0 to 999: change to that recipe. 4103 (1007 hex): challenge run."),
    Register(3, "CommandArgument", "0, unless the command says otherwise."),
    Register(4, "PartId", "Id of the part; zeros where there is none.", words=8, is_text=True),
    Register(12, "EncoderCount", "Reject gate: the belt's encoder, counting on.", words=2),
    _bit(14, 0, "BeltStopped", "Reject gate by time: 1 while the belt stands."),
    Register(15, "RejectsConfirmed", "Reject gate: counts the parts seen leaving the belt at it."),
)

COIL = Register(0, "TriggerCoil", "Rising edge: a trigger for devices without H0.", (0, 0))
GATE_COIL = Register(
    1, "GateOpen", "Reject gate: 1 while the part in front of it may pass; else it rejects.", (0, 0)
)


class OfflineReason(IntEnum):
    """Why a station is offline, the gravest highest: bits 4 to 6 of I0."""

    NONE = 0
    STARTING = 1
    PLC = 2
    OPERATOR = 3
    CHALLENGE = 4
    CAMERA = 5
    STATION = 6
    ENDED = 7

    @property
    def sentence(self) -> str:
        """What it means, for whoever programs the PLC."""
        return _OFFLINE[self.value]


_OFFLINE = (
    "The station is online.",
    "The station is starting.",
    "The PLC set SetOffline, or a client of MQTT or OPC UA took it offline.",
    "An operator took the station offline or stopped the line.",
    "Reference parts have to be shown, or a bad one was passed.",
    "A camera is lost, or is not the recipe's.",
    "Bundle, records, disk, memory or judging failed: see the station's board.",
    "The station has ended, or has not answered for 200 ms.",
)

MAX_RECIPE = 999
CHALLENGE_COMMAND = 0x1007
