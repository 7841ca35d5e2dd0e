"""The reading list: open cases with what their files say, in the order of the stage released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.records.case_list import Headers, ListedCase
from core.records.case_status import Lane
from core.records.releases import Stage, StoredRelease, stage_for
from core.types import Disposition, Reason
from domains.xray.worklist.history import is_old
from domains.xray.worklist.order import Facts, Place, arrange
from domains.xray.worklist.persons import contradictions

OPEN = (Lane.WAITING, Lane.NEGATIVE)
"""Where a case stands that no person has read."""

Releases = Mapping[str, StoredRelease]
"""The release that stands, by site."""


@dataclass(frozen=True, slots=True)
class Line:
    """One case on the list.

    Attributes:
        case: The case.
        place: Why it is where it is.
        hidden: Whether readers may not know its verdict before they have answered.
        held: What its images contradict each other in as to whose they are; a person looks.
    """

    case: ListedCase
    place: Place
    hidden: bool
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingList:
    """What a reader has before them.

    Attributes:
        read: Cases to read, first to last.
        apart: Cases that need not be read.
        old: Studies that were too old to be new work when they came, in the order received.
        stages: The stage released at each of the sites listed.
        proposed: Whether the order is the proposed one; else first come, first served.
        trouble: What went wrong with the order; empty when nothing did.
    """

    read: tuple[Line, ...]
    apart: tuple[Line, ...]
    old: tuple[Line, ...]
    stages: Mapping[str, Stage]
    proposed: bool
    trouble: str

    @property
    def shows_verdicts(self) -> bool:
        """Whether readers may know verdicts at any of the sites."""
        return any(stage.step >= Stage.SUPERVISED.step for stage in self.stages.values())


def reading_list(
    cases: Sequence[ListedCase],
    releases: Releases,
    *,
    now: datetime,
    certified: Callable[[ListedCase], bool],
    site: str | None = None,
) -> ReadingList:
    """Arrange the open cases of one site, or of all; each is ruled by the stage of its own site.

    Args:
        cases: Open cases in the order received.
        releases: The release that stands, by site.
        now: With a zone.
        certified: Whether the policy of a case's verdict may clear it (``hindrance``); asked for
            automatic negatives alone.
        site: The site; None for all.
    """
    chosen = [one for one in cases if site is None or site_of(one.headers) == site]
    old = {one.item.case_id for one in chosen if is_old_work(one.headers, one.item.opened_at)}
    held = {one.item.case_id: contradictions(one.headers) for one in chosen}
    facts = [_facts(one, releases, certified, held=bool(held[one.item.case_id])) for one in chosen]
    found = arrange([one for one in facts if one.case_id not in old], now)
    by_id = {one.item.case_id: one for one in chosen}
    hidden = {one.case_id: one.hidden for one in facts}

    def line(name: str, place: Place) -> Line:
        return Line(by_id[name], place, hidden[name] or bool(held[name]), held[name])

    return ReadingList(
        read=tuple(line(*one) for one in found.read),
        apart=tuple(line(name, Place.NEGATIVE) for name in found.apart),
        old=tuple(line(one.case_id, Place.IN_TURN) for one in facts if one.case_id in old),
        stages={name: stage_at(name, releases) for name in sites_of(chosen)},
        proposed=found.proposed,
        trouble=found.trouble,
    )


def stage_at(site: str, releases: Releases) -> Stage:
    """Give the stage released at a site; AUDIT where nothing was."""
    return releases[site].stage if site in releases else Stage.AUDIT


def is_hidden(headers: Headers, bundle: str, releases: Releases) -> bool:
    """Say whether readers may not know what a bundle says of a case: it is not released there.

    Args:
        headers: What the images of the case say.
        bundle: Name and short hash of the bundle that judged it.
        releases: The release that stands, by site.
    """
    return stage_for(releases.get(site_of(headers)), bundle).step < Stage.SUPERVISED.step


def _facts(
    case: ListedCase,
    releases: Releases,
    certified: Callable[[ListedCase], bool],
    *,
    held: bool,
) -> Facts:
    item = case.item
    return Facts(
        case_id=item.case_id,
        arrived=item.opened_at,
        stat=is_stat(case.headers),
        disposition=item.disposition if case.judged else None,
        probability=item.positive_probability,
        hidden=_is_drawn(case) or is_hidden(case.headers, case.bundle, releases),
        cleared=not held and _cleared(case, releases) and certified(case),
        held=held,
    )


def is_old_work(headers: Headers, arrived: datetime) -> bool:
    """Say whether a study is an earlier one and no new work.

    Whoever asks for it as STAT means new work, whatever day its modality believes it to be.

    Args:
        headers: What its images say of themselves.
        arrived: When its first image came, with a zone.
    """
    return not is_stat(headers) and is_old(headers, arrived)


def _is_drawn(case: ListedCase) -> bool:
    # Drawn to measure the live error rate: to be read as if nobody had judged.
    return any(finding.reason is Reason.AUDIT for finding in case.findings)


def _cleared(case: ListedCase, releases: Releases) -> bool:
    """Whether everything that came of a case was judged negative by what is released for it."""
    release = releases.get(site_of(case.headers))
    if release is None or release.stage is not Stage.AUTOMATIC:
        return False
    negative = case.item.disposition is Disposition.NEGATIVE and case.item.lane is Lane.NEGATIVE
    if not negative or not case.judged or case.is_awaited:
        return False
    makers = case.makers or {(case.bundle, case.policy_id)}
    return all(release.covers(bundle, policy_id) for bundle, policy_id in makers)


def site_of(headers: Headers) -> str:
    """Name the site that a case comes from: as the node was told, else as its files say."""
    return said(headers, "site") or said(headers, "institution")


def said(headers: Headers, word: str) -> str:
    """Give what the images of a case say under a word: the first that says anything."""
    return next((one[word] for one in headers if one.get(word)), "")


def is_stat(headers: Headers) -> bool:
    """Say whether any image of a case was asked for as STAT."""
    return any(one.get("priority", "").upper() == "STAT" for one in headers)


def sites_of(cases: Sequence[ListedCase]) -> list[str]:
    """List the sites of some cases, the one with the most cases first."""
    counted = Counter(site_of(one.headers) for one in cases)
    return [site for site, _ in counted.most_common()]
