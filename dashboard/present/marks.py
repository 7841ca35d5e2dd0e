"""One sign for each verdict on every page: a shape, a colour and a word, none of them alone."""

from __future__ import annotations

from dataclasses import dataclass

from core.types import Disposition

SHAPES = {Disposition.NEGATIVE: "●", Disposition.POSITIVE: "▲", Disposition.DEFER: "◆"}
_NO_SHAPE = "○"


@dataclass(frozen=True, slots=True)
class VerdictMark:
    """How a verdict is shown, whichever pack gave it.

    Attributes:
        shape: One character, which tells verdicts apart where colours do not.
        word: The pack's word for the verdict.
        kind: The CSS class that colours it, as `dashboard.styles` has it.
    """

    shape: str
    word: str
    kind: str

    def __str__(self) -> str:
        """Return shape and word, for places that show text alone."""
        return f"{self.shape} {self.word}" if self.word else self.shape


def verdict_mark(disposition: Disposition | None, word: str) -> VerdictMark:
    """Return the sign of a verdict.

    Args:
        disposition: The verdict; None where nothing was decided.
        word: The pack's word for it, or what stands there while nothing was decided.
    """
    if disposition is None:
        return VerdictMark(_NO_SHAPE, word, "none")
    return VerdictMark(SHAPES[disposition], word, disposition.value)
