"""A defect named by one tap: a review like any other, so that the next training learns from it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.errors import ConfigError, DataError
from core.packs import means_nothing_wrong
from core.people import Person
from core.records import store
from core.records.case_status import QueueState
from core.records.connection import Store
from core.records.final_reads import final_reads
from core.records.values import StoredDecision
from core.records.worklist import case_detail
from core.service.review import review
from core.service.review.blind import blind_cases
from core.service.review.explanations import Explainer
from core.types import Disposition
from domains.parts import pack
from domains.parts.station.part import InspectedPart
from domains.parts.station.user import StationUser

MOST_NAMES = 12
ANY_DEFECT = "defect"
_DEFECT = re.compile(r"\w[\w .-]{0,63}")


def defect_names(records: Store, decision: StoredDecision | None) -> list[str]:
    """Return the names that a defect can get by one tap, those that the bundle knows first.

    Raises:
        StoreError: The database failed.
    """
    known: Iterable[str] = decision.classes if decision else ()
    named = [one.label for one in final_reads(records, pack.name, limit=200)]
    names = dict.fromkeys([*known, *(one for label in named for one in label.split("|"))])
    wrong = [name for name in names if name and not means_nothing_wrong(name, pack.negative_labels)]
    return [*wrong[:MOST_NAMES], *([] if ANY_DEFECT in wrong else [ANY_DEFECT])]


def check_defect(name: str) -> None:
    """Refuse a name that no defect can have.

    Raises:
        ConfigError: It has other characters than names have, or means that nothing is wrong.
    """
    if not _DEFECT.fullmatch(name) or means_nothing_wrong(name, pack.negative_labels):
        raise ConfigError(
            f"No defect can be called {name!r}.",
            hint="Name it by letters, digits, blanks, `_`, `.` and `-`, and not by a word for good "
            "parts.",
        )


def name_defect(
    records: Store, explainer: Explainer, part: InspectedPart, label: str, *, by: StationUser
) -> str:
    """Return what was kept: that a part has a defect of this name.

    Args:
        records: The store.
        explainer: Knows the bundle that judged, which says whether a label is a defect.
        part: The part, as it was shown.
        label: The defect.
        by: The person.

    Raises:
        ConfigError: Nobody signs it, or no defect can have that name.
        DataError: It is a reference part, was not judged, or was reviewed before.
        StoreError: The database failed.
    """
    if part.trigger.challenge or not part.decisions:
        raise DataError(
            f"Part {part.trigger.number} gets no label: it is a reference part, or was not judged.",
            hint="Name defects on parts of the line that have a picture.",
        )
    check_defect(label)
    made = store.decision(records, part.decisions[0])
    detail = case_detail(records, _case_of(records, made, part))
    if detail.item.queue_state is QueueState.REVIEWED:
        person = Person.alone(by.name)
        if blind_cases(records, person, [detail.item.case_id]):
            raise DataError(
                "It is being read by two people.", hint="What they find stands on the page Review."
            )
        last = detail.reviews[-1]
        if last.reviewer == by.name and last.label == label:
            return f"{label} is kept already."
        raise DataError(
            f"{last.reviewer} has reviewed it already: {last.label or 'without a label'}.",
            hint="Change it on the page Review.",
        )
    review.check_labels(explainer, pack, detail, Disposition.POSITIVE, [label])
    kept = review.decide(
        records, detail.item, Disposition.POSITIVE, by=Person.alone(by.name), label=label,
        comment=f"named at the station, part {part.trigger.number}",
    )  # fmt: skip
    return f"{label} is kept." if kept else f"{label} is kept already."


def _case_of(records: Store, made: StoredDecision, part: InspectedPart) -> str:
    """Return the case of the part itself: the same picture may lie in several."""
    found = store.cases_of(records, made)
    if not found:
        raise DataError(
            f"Part {part.trigger.number} has no case in the store.", hint="Verify the audit log."
        )
    keyed = [one for one in found if case_detail(records, one).item.key == part.part_id]
    return keyed[0] if keyed else found[0]
