"""What a line gets for a part: PASS, FAIL or STOP, and the reasons with their numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self


class LineResult(StrEnum):
    """What happens to a part on the line."""

    PASS = "PASS"
    FAIL = "FAIL"
    STOP = "STOP"


class LineReason(Enum):
    """Why a part does not pass: register number, what follows, and a sentence to act on.

    Numbers below 20 are about the picture, 20 to 49 of the acquisition and the part, from 50 on of
    the station. They are part of the register table: never reuse one.
    """

    DEFECT = (1, LineResult.FAIL, "The picture shows a defect.")
    AMBIGUOUS = (2, LineResult.FAIL, "The score lies between the certified limits.")
    NOVEL = (3, LineResult.FAIL, "The picture is out of distribution: is it the right product?")
    UNREADABLE = (4, LineResult.FAIL, "The picture cannot be read.")
    POOR_QUALITY = (5, LineResult.FAIL, "The picture is too poor: check light and focus.")
    WRONG_INPUT = (6, LineResult.FAIL, "The picture is turned, or of something else.")
    NOT_CERTIFIED = (7, LineResult.FAIL, "The escape rate is not certified yet.")
    INFERENCE_FAULT = (8, LineResult.FAIL, "Judging failed: see the log.")
    CORRECTED = (9, LineResult.FAIL, "The verdict contradicts a person's on the same picture.")

    FRAME_STALE = (20, LineResult.FAIL, "The frame is older than its trigger.")
    FRAME_GAP = (21, LineResult.FAIL, "Frames between the last one and this one are missing.")
    FRAME_FROZEN = (22, LineResult.FAIL, "The camera gave the same frame again.")
    CLOCK = (23, LineResult.FAIL, "The camera's clock went backwards.")
    NO_FRAME = (24, LineResult.FAIL, "The camera gave no frame in time.")
    LATE = (25, LineResult.FAIL, "The verdict was not there at the deadline.")
    ID_UNREAD = (26, LineResult.FAIL, "No part id was read that fits the recipe's pattern.")
    ID_MISMATCH = (27, LineResult.FAIL, "The id on the part is not the one of the trigger.")
    TWO_PARTS = (28, LineResult.FAIL, "Two parts are in view or in the reject window.")
    NO_PART = (29, LineResult.FAIL, "No part is in view.")
    VIEW_MISSING = (30, LineResult.FAIL, "One of the part's views is missing.")
    INTERRUPTED = (31, LineResult.FAIL, "The station ended before the part was judged.")

    CAMERA_LOST = (50, LineResult.STOP, "The camera does not answer: check cable and power.")
    CAMERA_CHANGED = (51, LineResult.STOP, "The camera or its settings are not the recipe's.")
    FRAMES_UNUSABLE = (52, LineResult.STOP, "Three frames in a row were stale, missing or frozen.")
    BUNDLE = (53, LineResult.STOP, "The bundle is missing or altered.")
    NOT_RECORDED = (54, LineResult.STOP, "The verdict could not be recorded.")
    DISK = (55, LineResult.STOP, "The disk is full.")
    REJECT_NOT_CONFIRMED = (56, LineResult.STOP, "A rejected part was not seen leaving the line.")
    ENCODER_BACKWARDS = (57, LineResult.STOP, "The belt ran backwards beyond what is tracked.")
    CHALLENGE_DUE = (58, LineResult.STOP, "The reference parts have to be shown first.")
    CHALLENGE_FAILED = (59, LineResult.STOP, "A bad reference part was passed: a lead releases.")
    OPERATOR_STOP = (60, LineResult.STOP, "An operator stopped the line.")
    OFFLINE = (61, LineResult.STOP, "The station is offline.")
    FAULTS_IN_A_ROW = (62, LineResult.STOP, "Judging failed several times in a row.")
    STALLED = (63, LineResult.STOP, "Judging does not come back.")
    ALARM = (64, LineResult.STOP, "Monitoring voided the certificate: recertify.")
    MEMORY = (65, LineResult.STOP, "The memory is exhausted.")
    ENCODER_STILL = (66, LineResult.STOP, "Parts come although the encoder stands: check it.")

    def __init__(self, number: int, result: LineResult, sentence: str) -> None:
        self.number = number
        self.result = result
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """A result with its reasons; PASS exactly where there is none.

    Build one with ``because``, or with ``passed`` where every condition of PASS was checked.

    Attributes:
        result: What happens to the part.
        reasons: Why it does not pass, the gravest first.
    """

    result: LineResult
    reasons: tuple[LineReason, ...]

    def __post_init__(self) -> None:
        """Refuse a PASS with reasons and anything else that its reasons do not bring about.

        Raises:
            ValueError: Result and reasons disagree.
        """
        if self.result is not _result_of(self.reasons):
            raise ValueError(f"{self.result} for the reasons {[r.name for r in self.reasons]}")

    @classmethod
    def because(cls, *reasons: LineReason) -> Self:
        """Return the verdict that reasons bring about: STOP where one of them stops the line.

        Raises:
            ValueError: No reason is given.
        """
        if not reasons:
            raise ValueError("because: expected a reason, got none")
        return cls(_result_of(reasons), tuple(sorted(set(reasons), key=_gravity)))

    @classmethod
    def passed(cls) -> Self:
        """Return PASS. `rule.judge_part` alone calls it."""
        return cls(LineResult.PASS, ())

    @property
    def number(self) -> int:
        """The gravest reason's number, 0 for PASS: the reason code of the register table."""
        return self.reasons[0].number if self.reasons else 0

    @property
    def message(self) -> str:
        """The sentences of the reasons."""
        return " ".join(reason.sentence for reason in self.reasons)


def _gravity(reason: LineReason) -> tuple[bool, int]:
    return reason.result is not LineResult.STOP, reason.number


def _result_of(reasons: Iterable[LineReason]) -> LineResult:
    results = {reason.result for reason in reasons}
    if LineResult.STOP in results:
        return LineResult.STOP
    return LineResult.FAIL if results else LineResult.PASS
