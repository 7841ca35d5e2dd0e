"""What people have answered on a case, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from core.packs import DomainPack
from core.records.case_status import REVIEW
from core.records.cases import CaseDetail, StoredReview
from core.types import Disposition
from dashboard.present.cases import name_case
from dashboard.present.marks import VerdictMark, verdict_mark


def describe_taken_back(earlier: StoredReview, pack: DomainPack) -> str:
    """Return what a person had answered before they took it back."""
    parts = [f"Taken back. You had answered {_mark(earlier.disposition, pack)}"]
    if earlier.label:
        parts.append(earlier.label.replace("|", ", "))
    parts.append(_time(earlier.reviewed_at))
    note = " Your note is kept." if earlier.comment else ""
    return f"{' · '.join(parts)}.{note}"


def describe_kept(detail: CaseDetail, disposition: Disposition, pack: DomainPack) -> str:
    """Return that an answer was kept, for a screen reader."""
    word = "cannot judge" if disposition is Disposition.DEFER else pack.wording[disposition]
    return f"Kept: {word}, {name_case(detail)}."


def describe_not_kept(detail: CaseDetail) -> str:
    """Return that somebody else was first, on a case that the page may have left by now."""
    return f"{name_case(detail)} changed while it was open here. Your answer to it was not kept."


def describe_standing(detail: CaseDetail, pack: DomainPack, names: Mapping[str, str]) -> str:
    """Return the answer that stands on a case that was reviewed; empty where none does.

    Args:
        detail: The case.
        pack: Its pack.
        names: Names of people by id.
    """
    if not detail.reviews or detail.reviews[-1].kind != REVIEW:
        return ""
    last = detail.reviews[-1]
    at = _time(last.reviewed_at)
    return (
        f"Reviewed: {_mark(last.disposition, pack)} by {_name(last, names)}, {at}. "
        "Another verdict corrects it."
    )


def list_history(
    detail: CaseDetail, pack: DomainPack, names: Mapping[str, str]
) -> list[tuple[str, VerdictMark | None, str]]:
    """Return what happened to a case, oldest first: when and who, the verdict, what was written.

    Args:
        detail: The case.
        pack: Its pack.
        names: Names of people by id.
    """
    happened: list[tuple[datetime, str, VerdictMark | None, str]] = [
        (one.received_at, "received", None, one.source or one.name) for one in detail.images
    ]
    for image in detail.images:
        if image.decision is not None:
            mark = verdict_mark(image.decision.disposition, image.decision.wording)
            happened.append((image.decision.decided_at, image.decision.bundle, mark, image.name))
    for one in detail.reviews:
        given = _mark(one.disposition, pack) if one.disposition else None
        text = " · ".join(filter(None, (one.label.replace("|", ", "), one.comment)))
        what = text if given or text else "took the answer back"
        happened.append((one.reviewed_at, _name(one, names), given, what))
    happened.sort(key=lambda row: row[0])
    return [
        (f"{at.astimezone():%Y-%m-%d %H:%M} · {who}", mark, text)
        for at, who, mark, text in happened
    ]


def _time(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def _mark(disposition: Disposition | None, pack: DomainPack) -> VerdictMark:
    if disposition is Disposition.DEFER:
        return verdict_mark(disposition, "cannot judge, retake")
    return verdict_mark(disposition, pack.wording[disposition] if disposition else "")


def _name(review: StoredReview, names: Mapping[str, str]) -> str:
    return names.get(review.reviewer) or review.reviewer
