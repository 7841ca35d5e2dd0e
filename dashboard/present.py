"""What is shown, worked out from stored values: words, numbers and keys, without a screen."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from core.packs import DomainPack
from core.records.cases import CaseDetail, CaseImage, Counts, StoredReview, WorkItem
from core.records.values import StoredDecision
from core.types import Disposition, Policy, Reason

OWN_KEYS = frozenset("CRHJNSU")
"""C and R are Streamlit's; the others work the page: heat map, cannot judge, note, skip, undo."""

BLIND = (
    "Drawn at random to measure the live error rate. Judge it as if nobody had: what the system "
    "said stays hidden."
)
LONGEST_NAME = 48
MOST_LABELS = 5
LIKELY = 0.5
_UNSCORED = 2.0
_HIDDEN = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """How people judged the cases that one kind of verdict was made on.

    Attributes:
        verdict: What the system had said.
        said: How many cases people called what.
    """

    verdict: Disposition
    said: Mapping[Disposition, int]

    @property
    def cases(self) -> int:
        """Cases that people looked at."""
        return sum(self.said.values())

    @property
    def same(self) -> int:
        """Cases on which people said the same."""
        return self.said.get(self.verdict, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one bundle has said under one policy.

    Attributes:
        counts: Images by disposition.
        bins: Images by disposition in equal bins of the positive probability from 0 to 1; those
            without a probability are in none.
        verdicts: Disposition by decision id.
    """

    counts: Mapping[Disposition, int]
    bins: Mapping[Disposition, NDArray[np.int64]]
    verdicts: Mapping[str, Disposition]

    @property
    def images(self) -> int:
        """All images counted."""
        return sum(self.counts.values())

    @property
    def automatic(self) -> float:
        """Share of the images that were decided without a person; 0 when there are none."""
        return 1.0 - self.counts[Disposition.DEFER] / self.images if self.images else 0.0


def verdict_keys(wording: Mapping[Disposition, str]) -> dict[Disposition, str]:
    """Find a key for each verdict a person may give: the first letter of its word that is free.

    Where every letter of a word is taken, the first free digit stands in. Digits from 1 on pick
    images, so the stand-ins are counted down from 9.

    Args:
        wording: The pack's word for each disposition.
    """
    taken = set(OWN_KEYS)
    keys: dict[Disposition, str] = {}
    for disposition in (Disposition.NEGATIVE, Disposition.POSITIVE):
        letters = [c for c in wording[disposition].upper() if c.isascii() and c.isalpha()]
        keys[disposition] = next(c for c in (*letters, *"987") if c not in taken)
        taken.add(keys[disposition])
    return keys


def file_name(name: str, longest: int = LONGEST_NAME) -> str:
    """Give the last part of a name as text that cannot play tricks with the page.

    Controls and direction marks are spelt out, and the middle of a long name is left out. The
    answer is text, not HTML: whoever writes HTML escapes it.
    """
    last = PurePath(name).name or name
    plain = "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in _HIDDEN else c for c in last)
    if len(plain) <= longest:
        return plain
    head = (longest - 1) // 2
    return f"{plain[:head]}…{plain[-(longest - 1 - head) :]}"


def escape_markdown(text: str) -> str:
    """Write text so that Streamlit, which reads every widget's label as Markdown, shows it as is.

    CommonMark 6.1: a backslash before ASCII punctuation takes its meaning away; Streamlit's own
    signs (``:red[``, ``:material/``, ``$``) and GFM's bare links begin with such signs too.
    """
    plain = " ".join(text.split())
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", plain)


def case_name(detail: CaseDetail) -> str:
    """Name a case: its group, or the file of a case that has none."""
    alone = detail.images[0]
    content = alone.decision.content_key if alone.decision else ""
    ungrouped = len(detail.images) == 1 and detail.item.key in (content, "")
    return file_name(alone.name if ungrouped else detail.item.key)


def worst_first(images: Sequence[CaseImage]) -> list[CaseImage]:
    """Order a case's images as the queue orders cases: unscored, then by falling probability."""
    return sorted(images, key=lambda image: -_urgency(image.decision))


def _urgency(decision: StoredDecision | None) -> float:
    if decision is None or decision.positive_probability is None:
        return _UNSCORED
    return decision.positive_probability


def chosen_image(images: Sequence[CaseImage], wanted: str | None) -> CaseImage:
    """Give the image a person asked for, else the worst."""
    ordered = worst_first(images)
    return next((image for image in ordered if image.id == wanted), ordered[0])


def image_line(detail: CaseDetail, image: CaseImage) -> str:
    """Say which file is shown, and when it was judged."""
    parts = [file_name(image.name)]
    if len(detail.images) > 1:
        number = worst_first(detail.images).index(image) + 1
        parts.append(f"image {number} of {len(detail.images)}, the worst first")
    if image.decision is not None:
        at = image.decision.decided_at.astimezone()
        parts.append(f"judged {at:%Y-%m-%d %H:%M}")
    return " · ".join(parts)


def undo_words(last: StoredReview | None, pack: DomainPack) -> str:
    """Say what an undo would take back."""
    if last is None or last.disposition is None:
        return "You have said nothing yet."
    return f"Takes back your last verdict, {pack.wording[last.disposition]}."


def in_short(decision: StoredDecision | None) -> str:
    """Say a verdict in two words."""
    if decision is None:
        return "not judged"
    return f"{decision.wording} {probability(decision.positive_probability)}"


def place(item: WorkItem) -> str:
    """Name a case as it was shown: another revision is another place."""
    return f"{item.case_id}-{item.revision}-{item.images}-{item.decision_id}"


def is_blind(detail: CaseDetail) -> bool:
    """Say whether the verdict stays hidden until the person has judged.

    A case drawn at random to measure the live error rate must be judged as if nobody had.
    """
    return any(
        finding.reason is Reason.AUDIT
        for image in detail.images
        if image.decision
        for finding in image.decision.findings
    )


def why(decision: StoredDecision, policy: Policy | None) -> list[str]:
    """Say in plain sentences why an image is where it is.

    Args:
        decision: The verdict.
        policy: The limits it was judged by; None when they are not at hand.
    """
    if decision.findings:
        return [f"{f.reason.sentence} {f.detail}".strip() for f in decision.findings]
    negative = decision.disposition is Disposition.NEGATIVE
    limit = None if policy is None else (policy.t_neg if negative else policy.t_pos)
    chance = decision.positive_probability
    if limit is None or chance is None:
        return [f"Called {decision.wording} by itself."]
    side = "at or below" if negative else "at or above"
    certificate = policy and (policy.escape if negative else policy.overkill)
    kind = "certified" if certificate and certificate.certified else "uncertified"
    return [
        f"Called {decision.wording} by itself: the probability {probability(chance)} is {side} "
        f"the {kind} limit {probability(limit)}."
    ]


def probability(value: float | None) -> str:
    """Write a probability so that it never looks like certainty."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.999 else f"{value:.3f}"


def label_chances(
    decision: StoredDecision, most: int = MOST_LABELS
) -> tuple[list[tuple[str, float]], str]:
    """List the most probable labels, and say in words what is left out.

    Args:
        decision: The verdict; one of two classes has nothing to list that the probability of its
            side does not say.
        most: How many at the most; whatever is as likely as not is listed in any case.

    Returns:
        Labels with their probabilities, the most probable first, and the words, maybe empty.
    """
    pairs = list(zip(decision.classes, decision.probabilities, strict=False))
    if len(pairs) <= 2:
        return [], ""
    ranked = sorted(pairs, key=lambda pair: -pair[1])
    likely = sum(chance >= LIKELY for _, chance in ranked)
    shown = max(most, likely)
    left = ranked[shown:]
    if not left:
        return ranked, ""
    labels = "1 more label" if len(left) == 1 else f"{len(left)} more labels"
    return ranked[:shown], f"{labels}, the likeliest {probability(left[0][1])}"


def legend(pack: DomainPack) -> str:
    """Say what the colours of the heat map mean."""
    positive = pack.wording[Disposition.POSITIVE]
    return f"Orange speaks for {positive}, blue against it; the stronger, the more so."


def progress(counts: Counts, today: int) -> str:
    """Say how far the work is."""
    waiting = sum(counts.waiting.values())
    return f"{waiting:,} waiting, {today:,} done today"


def all_done(pack: DomainPack, counts: Counts, home: Path) -> str:
    """Say that nothing waits, and what could be done next; an empty store names its folder."""
    if not any((*counts.waiting.values(), counts.negative, *counts.reviewed.values())):
        return (
            f"Nothing has been assessed yet in {home.resolve()}. `assay assess BUNDLE PATH` judges "
            f"pictures; those marked {pack.wording[Disposition.DEFER]} and "
            f"{pack.wording[Disposition.POSITIVE]} come here."
        )
    passed = pack.wording[Disposition.NEGATIVE]
    return (
        f"All caught up: {sum(counts.reviewed.values()):,} cases reviewed, {counts.negative:,} "
        f"called {passed} automatically. New cases show up here by themselves; the overview "
        f"says what the verdicts so far are worth."
    )


def reviewed_words(counts: Counts, pack: DomainPack) -> str:
    """Say how many cases people have looked at, and how many still wait.

    A pack with a page of its own says there which cases wait: verdicts alone do not decide it.
    """
    done, waiting = sum(counts.reviewed.values()), sum(counts.waiting.values())
    if pack.page is not None:
        own = pack.name.capitalize()
        return f"People have reviewed {done:,} cases; the page {own} says which ones wait."
    return f"People have reviewed {done:,} cases; {waiting:,} wait for one."


def automatic_word(pack: DomainPack) -> str:
    """Name the share of verdicts that are no deferral.

    Where a pack has a page of its own, that page says whether a person looks all the same.
    """
    return "without a person" if pack.page is None else f"not {pack.wording[Disposition.DEFER]}"


def agreements(
    reviews: Sequence[StoredReview], verdicts: Mapping[str, Disposition]
) -> list[Agreement]:
    """Set what people said against what the system had said.

    Args:
        reviews: Reviews that stand, one a case.
        verdicts: Disposition by decision id; reviews of other decisions are left out.
    """
    said: dict[Disposition, Counter[Disposition]] = {d: Counter() for d in Disposition}
    for review in reviews:
        verdict = verdicts.get(review.decision_id)
        if verdict is not None and review.disposition is not None:
            said[verdict][review.disposition] += 1
    return [Agreement(verdict, dict(count)) for verdict, count in said.items() if count]


def unseen_words(seen: Sequence[Agreement], pack: DomainPack) -> str:
    """Say so where no automatic negative was ever looked at; empty otherwise."""
    if any(one.verdict is Disposition.NEGATIVE for one in seen):
        return ""
    passed = pack.wording[Disposition.NEGATIVE]
    return (
        f"No automatic {passed} has been looked at by a person yet, so the live "
        f"{pack.error_words[0]} rate is not measured."
    )


def judged_words(judged: Judged, most: int) -> str:
    """Say how many images the figures count."""
    newest = f"the newest {most:,} images" if judged.images >= most else f"{judged.images:,} images"
    unscored = judged.images - sum(int(counts.sum()) for counts in judged.bins.values())
    return f"{newest}, {unscored:,} of them without a probability"


def agreement_words(agreement: Agreement, pack: DomainPack) -> str:
    """Say one agreement in a sentence."""
    word = pack.wording[agreement.verdict]
    cases = "1 case" if agreement.cases == 1 else f"{agreement.cases:,} cases"
    if agreement.verdict is Disposition.DEFER:
        parts = " and ".join(
            f"{agreement.said[d]:,} {pack.wording[d]}" for d in Disposition if d in agreement.said
        )
        return f"Of {cases} marked {word}, people called {parts}."
    return f"Of {cases} called {word} automatically, people agreed with {agreement.same:,}."


def judged_by(decisions: Sequence[StoredDecision], bins: int = 50) -> Judged:
    """Count verdicts, and where their positive probabilities fall.

    Args:
        decisions: Verdicts of one bundle under one policy.
        bins: How many equal bins from 0 to 1.
    """
    chances: dict[Disposition, list[float]] = {d: [] for d in Disposition}
    for one in decisions:
        if one.positive_probability is not None:
            chances[one.disposition].append(one.positive_probability)
    counted = Counter(one.disposition for one in decisions)
    return Judged(
        counts={d: counted[d] for d in Disposition},
        bins={
            d: np.histogram(chances[d], bins=bins, range=(0.0, 1.0))[0].astype(np.int64)
            for d in Disposition
        },
        verdicts={one.id: one.disposition for one in decisions},
    )
