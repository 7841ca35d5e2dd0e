"""How far the reviewing is."""

from __future__ import annotations

from pathlib import Path

from core.packs import DomainPack
from core.records.cases import Counts
from core.types import Disposition


def describe_progress(counts: Counts, today: int) -> str:
    """Return how many cases wait and how many were reviewed today."""
    waiting = sum(counts.waiting.values())
    return f"{waiting:,} waiting, {today:,} done today"


def describe_empty_queue(pack: DomainPack, counts: Counts, home: Path) -> str:
    """Return that nothing waits, and what to do next; an empty store names its folder."""
    if not any((*counts.waiting.values(), counts.negative, *counts.reviewed.values())):
        return (
            f"Nothing has been assessed yet in {home.resolve()}. `assay assess BUNDLE PATH` "
            f"assesses pictures; those marked {pack.wording[Disposition.DEFER]} and "
            f"{pack.wording[Disposition.POSITIVE]} come here."
        )
    negative = pack.wording[Disposition.NEGATIVE]
    return (
        f"All caught up: {sum(counts.reviewed.values()):,} cases reviewed, {counts.negative:,} "
        f"called {negative} automatically. New cases show up here by themselves; the overview "
        f"compares the automatic verdicts with the reviewers'."
    )


def describe_reviewed(counts: Counts, pack: DomainPack) -> str:
    """Return how many cases people have reviewed, and how many still wait.

    A pack with a page of its own shows there which cases wait: verdicts alone do not decide it.
    """
    done, waiting = sum(counts.reviewed.values()), sum(counts.waiting.values())
    if pack.has_own_review:
        own = pack.name.capitalize()
        return f"People have reviewed {done:,} cases; the page {own} says which ones wait."
    return f"People have reviewed {done:,} cases; {waiting:,} wait for one."


def label_automation(pack: DomainPack) -> str:
    """Return the name of the share of verdicts that are no deferral.

    Where a pack has a page of its own, that page shows whether a person reads all the same.
    """
    return (
        "without a person" if not pack.has_own_review else f"not {pack.wording[Disposition.DEFER]}"
    )
