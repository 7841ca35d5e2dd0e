"""What a station judged a part by, for pages that show its picture."""

from __future__ import annotations

from core.errors import InputError
from core.records import store as records
from core.records.values import StoredDecision
from core.service.review.review import ReviewSession
from domains.parts.station.part import InspectedPart


def first_decision(session: ReviewSession, part: InspectedPart) -> StoredDecision:
    """Return the decision on the first picture of a part.

    Raises:
        InputError: Nothing of it was judged.
        StoreError: The database failed, or the decision is not on record.
    """
    if not part.decisions:
        raise InputError(
            "Nothing was judged, so there is no picture.", hint="Look at the part itself."
        )
    return records.decision(session.store, part.decisions[0])
