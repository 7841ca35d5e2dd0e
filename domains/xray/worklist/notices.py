"""Texts beside the list: contradictory studies, old studies, studies left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.service.review.reading_list import ListEntry, ReadingList
from domains.xray.worklist.history import EarlierStudies, oldest_days
from domains.xray.worklist.showing import MOST_PEOPLE, patient_text


def nothing_text(home: Path) -> str:
    """Return that nothing waits, and where this page looks and who fills it."""
    return (
        f"Nothing waits to be read. This page shows {home.resolve()}, which `assay xray listen` "
        "and `assay worker` fill."
    )


def contradiction_lines(found: ReadingList) -> list[str]:
    """Return in full the patients of each study that names different ones, the first few."""
    contradictory = [line for line in found.to_read if line.contradictions]
    words = [
        f"One study, different patients ({', '.join(line.contradictions)}): "
        f"{patient_text(line.case.headers)}"
        for line in contradictory[:MOST_PEOPLE]
    ]
    more = len(contradictory) - len(words)
    return [*words, f"More studies that name different patients: {more:,}."] if more else words


def contradiction_text(contradictions: Sequence[str]) -> str:
    """Return why a study is for a person alone."""
    return (
        f"The pictures of this study name different patients ({', '.join(contradictions)}). Read "
        "each as its own patient's and have the archive put right; no verdict is shown and no "
        "result is sent."
    )


def old_text(lines: Sequence[ListEntry]) -> str:
    """Return that studies are no new work, and from which age on."""
    days = sorted({oldest_days(line.case.headers) for line in lines})
    studies = "1 study was" if len(lines) == 1 else f"{len(lines):,} studies were"
    return (
        f"{studies} over {' or '.join(map(str, days))} days old on coming: kept as earlier "
        "studies, not to be read as new"
    )


def earlier_text(earlier: EarlierStudies) -> str:
    """Return which studies of that PatientID are not shown beside the case; empty for none."""
    counted = [f"{count} {why}" for why, count in sorted(earlier.left_out.items())]
    if not counted:
        return ""
    return f"Under the same number and not shown as earlier studies: {', '.join(counted)}."
