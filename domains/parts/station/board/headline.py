"""What stands on the operator's board in large letters, decided without a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import StatusBlock
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.result import LineReason, LineResult

_HALF = 0x7FFF


_WORDS = 0xFFFF


class BoardState(StrEnum):
    """What the board's colour stands for; a word stands beside it always."""

    PASS = "pass"
    FAIL = "fail"
    STOP = "stop"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Headline:
    """What is read from three metres away.

    Attributes:
        state: Which colour it has.
        word: One word, or few.
        sentence: Why, and what to do.
        part_id: Id of the part that it is about; empty where it is about the line.
        number: Number of that part; None where it is about the line.
    """

    state: BoardState
    word: str
    sentence: str
    part_id: str = ""
    number: int | None = None


NO_ANSWER = Headline(
    BoardState.STOP,
    "NO ANSWER",
    "The station does not answer: no status for more than a second. Nothing passes; check that it "
    "runs.",
)


STATES = {
    LineResult.PASS: BoardState.PASS,
    LineResult.FAIL: BoardState.FAIL,
    LineResult.STOP: BoardState.STOP,
}


_OFFLINE_WORDS = {
    OfflineReason.STARTING: "STARTING",
    OfflineReason.CHALLENGE: "SHOW REFERENCE PARTS",
}


_REASONS = {reason.number: reason for reason in LineReason}


def headline(
    block: StatusBlock | None,
    newest: InspectedPart | None,
    *,
    is_answering: bool,
    outstanding: Sequence[str] = (),
) -> Headline:
    """Return what stands on the board in large letters.

    Args:
        block: The station's status; read before the store, so that no result is on the line that
            the store would have had later.
        newest: The newest part on record, reference parts included.
        is_answering: Whether the status is that of a station that lives.
        outstanding: Reference parts that are still to be shown.
    """
    if block is None or not is_answering:
        return NO_ANSWER
    if not block.online:
        return _offline(OfflineReason(block.offline_reason), newest, outstanding)
    if _is_off_the_record(block, newest):
        return _off_the_record(block)
    if newest is None:
        return Headline(BoardState.WAIT, "READY", "The station waits for the first part.")
    return headline_of(newest, outstanding)


def _offline(
    reason: OfflineReason, newest: InspectedPart | None, outstanding: Sequence[str]
) -> Headline:
    sentence = reason.sentence
    if reason is OfflineReason.CHALLENGE and outstanding:
        sentence = f"{_still_to_show(outstanding)} Ask for them first: Reference parts."
    stopped = newest is not None and newest.result is LineResult.STOP
    if newest is not None and stopped and reason in (OfflineReason.CAMERA, OfflineReason.STATION):
        sentence = " ".join(filter(None, [sentence, newest.verdict.message, newest.detail]))
    return Headline(BoardState.STOP, _OFFLINE_WORDS.get(reason, "STOP"), sentence)


def _is_off_the_record(block: StatusBlock, newest: InspectedPart | None) -> bool:
    """Return whether the line has had an answer that the store does not hold: late, or refused."""
    if block.inspecting or not block.acq_id:
        return False
    recorded = newest.trigger.number if newest else 0
    return 0 < (block.acq_id - recorded) & _WORDS <= _HALF


def _off_the_record(block: StatusBlock) -> Headline:
    result = block.result if block.result_seq == block.acq_id else None
    reason = _REASONS.get(block.reason_code) if result else None
    why = reason.sentence if reason else "What the line received is not on record."
    # Only what is on record passes.
    state = BoardState.STOP if result is LineResult.STOP else BoardState.FAIL
    return Headline(state, state.value.upper(), why, number=block.acq_id)


def _still_to_show(outstanding: Sequence[str]) -> str:
    return f"Still to be shown: {', '.join(outstanding)}."


def headline_of(part: InspectedPart, outstanding: Sequence[str] = ()) -> Headline:
    """Return what stands there for a part.

    Args:
        part: The part.
        outstanding: Reference parts that are still to be shown.
    """
    trigger = part.trigger
    sentence = " ".join(filter(None, [part.verdict.message, part.detail]))
    if trigger.challenge:
        sentence = f"Reference part {trigger.challenge}. {sentence}".strip()
        if outstanding:
            sentence = f"{sentence} {_still_to_show(outstanding)}"
    return Headline(STATES[part.result], part.result.value, sentence, part.part_id, trigger.number)
