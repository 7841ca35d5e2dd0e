"""What review has given for recertification: the cases that count, and why others do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.decision.cases import Cases
from core.decision.looks import Look
from core.service.recertify.copies import Assigned

_NAMED = 6


@dataclass(frozen=True, eq=False)
class Collected:
    """What review has given for a bundle and a product.

    Attributes:
        look: The last size, of those fixed beforehand, that the complete cases suffice for.
        counted: Cases of cal that count at it, in the order of their arrival.
        cases: The same as a policy sees them; fewer where some are ambiguous or were not scored.
        complete: Cases of cal in a row, from the first, that a person has judged.
        waiting: Cases of cal that the row waits for a person on, the first of them first.
        uncompared: Cases of cal that a person judged and that are still to be searched for copies.
        copies: Cases left out that show a picture which the bundle was trained or certified on.
        unsuitable: Reviewed cases of cal that came to a person because of their verdict.
        unclear: Counted cases that a person could not tell.
        unscored: Counted cases without scores.
        conflicts: Cases that another one contradicts about the same picture; the newest word holds.
        disputed: Cases whose pictures are copies of each other and that people answered differently
            on. They do not count, and end the row, until the answers agree.
        train: Reviewed cases of train with an answer.
        since: Only cases that came then or later were looked at; None for all.
        unsearched: Different pictures before the newest ``comparison.MOST``, of which copies are
            not known again.
    """

    look: Look
    counted: tuple[Assigned, ...]
    cases: Cases
    complete: int
    waiting: tuple[str, ...]
    uncompared: int
    copies: int
    unsuitable: int
    unclear: int
    unscored: int
    conflicts: tuple[str, ...]
    disputed: tuple[str, ...]
    train: tuple[Assigned, ...]
    since: datetime | None
    unsearched: int = 0

    @property
    def positive_groups(self) -> int:
        """Groups with a case that a person called positive."""
        return int(np.unique(self.cases.group[self.cases.positive]).size)

    @property
    def groups(self) -> int:
        """Groups that are counted."""
        return int(np.unique(self.cases.group).size)

    @property
    def new_train_groups(self) -> int:
        """Groups of train that the bundle has no picture of."""
        return len({one.place.group for one in self.train if one.place.is_new})

    @property
    def may_suffice(self) -> bool:
        """Whether there is something to certify on, once all that was judged is compared."""
        return not self.refusal or self.uncompared > 0

    @property
    def limit(self) -> str:
        """Return which copies are not found; empty where all are searched for."""
        if not self.unsearched:
            return ""
        return (
            f"Copies of {self.unsearched:,} earlier pictures are not searched for, since the time "
            "that takes grows with them: only those of the bundle's own and of the newest that "
            "were compared are. A copy of such an earlier one counts as a case of its own."
        )

    @property
    def dispute(self) -> str:
        """Return which cases people answered differently on, and what to do; empty for none."""
        if not self.disputed:
            return ""
        named = ", ".join(self.disputed[:_NAMED])
        more = len(self.disputed) - _NAMED
        return (
            f"{len(self.disputed):,} reviewed case(s) show copies of one picture and were answered "
            f"differently: {named}{f' and {more:,} more' if more > 0 else ''}. They do not count "
            "until their answers agree; one that is answered as unclear counts for neither side."
        )

    @property
    def refusal(self) -> str:
        """Return why nothing can be certified on them; empty where something can."""
        if self.look.number:
            return ""
        more = self.look.following.size - self.complete
        reasons = [f"{more:,} of {self.look.following.size} cases that count are still to come."]
        if self.waiting:
            reasons.append(f"{len(self.waiting):,} wait for a person now.")
        if self.uncompared:
            reasons.append(
                f"{self.uncompared:,} reviewed case(s) are still to be compared with the known "
                "pictures, which certifying does first: a copy is no further case."
            )
        if self.copies:
            reasons.append(f"{self.copies:,} reviewed case(s) show copies of known pictures.")
        if self.disputed:
            reasons.append(self.dispute)
        if self.unsuitable:
            reasons.append(
                f"{self.unsuitable:,} reviewed case(s) do not count: a person saw them because of "
                "their verdict, and among such cases no escape can be seen."
            )
        return " ".join(reasons)
