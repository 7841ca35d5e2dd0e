"""What a reader is told beside the list: studies held, studies kept apart, studies left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from core.service.review.reading_list import Line, ReadingList
from domains.xray.worklist.history import Earlier, oldest_days
from domains.xray.worklist.showing import MOST_PEOPLE, patient_words


def nothing_words(home: Path) -> str:
    """Return that nothing waits, and where this page looks and who fills it."""
    return (
        f"Nothing waits to be read. This page shows {home.resolve()}, which `assay xray listen` "
        "and `assay worker` fill."
    )


def held_lines(found: ReadingList) -> list[str]:
    """Name in full the patients of each study that is held, the first few of them."""
    held = [line for line in found.to_read if line.contradictions]
    words = [
        f"One study, different patients ({', '.join(line.contradictions)}): "
        f"{patient_words(line.case.headers)}"
        for line in held[:MOST_PEOPLE]
    ]
    more = len(held) - len(words)
    return [*words, f"More studies that name different patients: {more:,}."] if more else words


def held_words(held: Sequence[str]) -> str:
    """Say why a study is held for a person."""
    return (
        f"The pictures of this study name different patients ({', '.join(held)}). Read each as its "
        "own patient's and have the archive put right; no verdict is shown and no result is sent."
    )


def old_words(lines: Sequence[Line]) -> str:
    """Say that studies are no new work, and from which age on."""
    days = sorted({oldest_days(line.case.headers) for line in lines})
    studies = "1 study was" if len(lines) == 1 else f"{len(lines):,} studies were"
    return (
        f"{studies} over {' or '.join(map(str, days))} days old on coming: kept as earlier "
        "studies, not to be read as new"
    )


def earlier_words(earlier: Earlier) -> str:
    """Say which studies under the patient's number do not stand beside the case; empty for none."""
    counted = [f"{count} {why}" for why, count in sorted(earlier.left_out.items())]
    if not counted:
        return ""
    return f"Under the same number and not shown as earlier studies: {', '.join(counted)}."
