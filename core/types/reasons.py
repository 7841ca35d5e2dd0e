"""What happens to a picture, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Disposition(StrEnum):
    """What happens to an image: let through, called out, or handed to a person."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    DEFER = "defer"


class Reason(StrEnum):
    """Why a verdict is a DEFER (or was drawn for review), as a stable code with a sentence."""

    AMBIGUOUS = "AMBIGUOUS"
    NOVEL = "NOVEL"
    UNREADABLE = "UNREADABLE"
    POOR_QUALITY = "POOR_QUALITY"
    WRONG_INPUT = "WRONG_INPUT"
    NOT_CERTIFIED = "NOT_CERTIFIED"
    AUDIT = "AUDIT"
    FAULT = "FAULT"
    CORRECTED = "CORRECTED"

    @property
    def sentence(self) -> str:
        """Return the reason so that a person can act on it."""
        return _SENTENCES[self]

    @property
    def follows_scores(self) -> bool:
        """Whether it comes after a picture's scores; any other stopped the picture before them."""
        return self in _AFTER_SCORES


_SENTENCES = {
    Reason.AMBIGUOUS: "The probability lies between the two limits; a person decides.",
    Reason.NOVEL: "The picture does not look like those the model was trained on.",
    Reason.UNREADABLE: "The file could not be read as a picture; take or send it again.",
    Reason.POOR_QUALITY: "The picture is too poor to judge; take it again.",
    Reason.WRONG_INPUT: "This is not the kind of picture the model judges.",
    Reason.NOT_CERTIFIED: "The error rate asked for is not certified yet; a person decides.",
    Reason.AUDIT: "Drawn at random to measure the live error rate.",
    Reason.FAULT: "The system failed on this picture; a person decides.",
    Reason.CORRECTED: "The verdict contradicts a person's earlier answer on this picture.",
}


_AFTER_SCORES = {
    Reason.AMBIGUOUS,
    Reason.NOT_CERTIFIED,
    Reason.NOVEL,
    Reason.AUDIT,
    Reason.CORRECTED,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One gate that an image did not pass.

    Attributes:
        reason: The stable code.
        detail: Which check, what was measured and what was expected.
        check: Stable code of the check, such as ``modality`` or ``rotated``; empty where the
            reason says it all.
    """

    reason: Reason
    detail: str
    check: str = ""
