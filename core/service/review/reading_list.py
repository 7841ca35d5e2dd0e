"""The reading list: open cases with what their files say, in the order of the stage released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.records.case_headers import Headers
from core.records.case_list import ListedCase
from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.records.deployment import Deployment, Stage
from core.records.deployments import stage_for
from core.service.review.case_rules import CaseRules
from core.service.review.order import OpenCase, Rank, arrange, first_unskipped
from core.types import Disposition, Reason

OPEN = (QueueState.WAITING, QueueState.NEGATIVE)
"""Where a case stands that no person has read."""

Releases = Mapping[str, Deployment]
"""The release that stands, by site."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One case on the list.

    Attributes:
        case: The case.
        rank: Why it is where it is.
        is_hidden: Whether readers may not know its verdict before they have answered.
        contradictions: What its images contradict each other in as to whose they are; a person
            looks.
    """

    case: ListedCase
    rank: Rank
    is_hidden: bool
    contradictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadingList:
    """What a reader has before them.

    Attributes:
        to_read: Cases to read, first to last.
        cleared: Cases that need not be read.
        old: Cases that were too old to be new work when they came, in the order received.
        stages: The stage released at each of the sites listed.
        is_proposed: Whether the order is the proposed one; else first come, first served.
        failure: What went wrong with the order; empty when nothing did.
    """

    to_read: tuple[ListEntry, ...]
    cleared: tuple[ListEntry, ...]
    old: tuple[ListEntry, ...]
    stages: Mapping[str, Stage]
    is_proposed: bool
    failure: str

    def next_case(self, skipped: Sequence[str] = ()) -> WorkItem | None:
        """Return the case to read next, leaving out those passed over as `first_unskipped` does."""
        return first_unskipped((line.case.item for line in self.to_read), skipped)

    @property
    def shows_verdicts(self) -> bool:
        """Whether readers may know verdicts at any of the sites."""
        return any(stage.step >= Stage.SUPERVISED.step for stage in self.stages.values())


def reading_list(
    cases: Sequence[ListedCase],
    releases: Releases,
    rules: CaseRules,
    *,
    now: datetime,
    is_certified: Callable[[ListedCase], bool],
    site: str | None = None,
) -> ReadingList:
    """Return the open cases of one site, or of all, each ruled by the stages of its own sites.

    A case of which images came for two sites is ruled by the more careful of the two stages.

    Args:
        cases: Open cases in the order received.
        releases: The release that stands, by site.
        rules: What the pack reads out of headers.
        now: With a zone.
        is_certified: Whether the policy of a case's verdict may clear it (`blocking_reason`);
            asked for automatic negatives alone.
        site: The site; None for all.
    """
    chosen = [one for one in cases if site is None or site in rules.sites_of(one.headers)]
    old = {one.item.case_id for one in chosen if rules.is_old(one.headers, one.item.opened_at)}
    opened = {one.item.case_id: _open_case(one, releases, rules, is_certified) for one in chosen}
    found = arrange([one for name, one in opened.items() if name not in old], now)
    by_id = {one.item.case_id: one for one in chosen}

    def line(name: str, rank: Rank) -> ListEntry:
        contradictions = rules.contradictions(by_id[name].headers)
        is_hidden = opened[name].is_hidden or bool(contradictions)
        return ListEntry(by_id[name], rank, is_hidden, contradictions)

    return ReadingList(
        to_read=tuple(line(*one) for one in found.to_read),
        cleared=tuple(line(name, Rank.NEGATIVE) for name in found.cleared),
        old=tuple(line(name, Rank.ARRIVAL) for name in opened if name in old),
        stages={
            name: stage_at(name, releases)
            for name in sites_of(chosen, rules)
            if site is None or name == site
        },
        is_proposed=found.is_proposed,
        failure=found.failure,
    )


def stage_at(site: str, releases: Releases) -> Stage:
    """Return the stage released at a site; AUDIT where nothing was."""
    return releases[site].stage if site in releases else Stage.AUDIT


def is_hidden(headers: Headers, bundle: str, releases: Releases, rules: CaseRules) -> bool:
    """Return whether readers may not know a bundle's verdict on a case: it is not released there.

    Args:
        headers: What the images of the case say.
        bundle: Name and short hash of the bundle that judged it.
        releases: The release that stands, by site.
        rules: What the pack reads out of headers.
    """
    stages = [stage_for(releases.get(site), bundle) for site in rules.sites_of(headers)]
    return min(stage.step for stage in stages) < Stage.SUPERVISED.step


def sites_of(cases: Sequence[ListedCase], rules: CaseRules) -> list[str]:
    """Return the sites of some cases, the one with the most cases first."""
    counted = Counter(site for one in cases for site in rules.sites_of(one.headers))
    return [site for site, _ in counted.most_common()]


def _open_case(
    case: ListedCase,
    releases: Releases,
    rules: CaseRules,
    is_certified: Callable[[ListedCase], bool],
) -> OpenCase:
    item, headers = case.item, case.headers
    is_contradictory = bool(rules.contradictions(headers))
    is_cleared = all(
        _is_negative_as_released(case, releases.get(site)) for site in rules.sites_of(headers)
    )
    return OpenCase(
        case_id=item.case_id,
        arrived=item.opened_at,
        is_urgent=rules.is_urgent(headers),
        disposition=item.disposition if case.is_judged else None,
        probability=item.positive_probability,
        is_hidden=_is_audit(case) or is_hidden(headers, case.bundle, releases, rules),
        is_cleared=not is_contradictory and is_cleared and is_certified(case),
        is_contradictory=is_contradictory,
    )


def _is_audit(case: ListedCase) -> bool:
    # Drawn to measure the live error rate: to be read as if nobody had judged.
    return any(finding.reason is Reason.AUDIT for finding in case.findings)


def _is_negative_as_released(case: ListedCase, release: Deployment | None) -> bool:
    """Return whether every image of a case was judged negative by what is released automatic."""
    if release is None or release.stage is not Stage.AUTOMATIC:
        return False
    negative = (
        case.item.disposition is Disposition.NEGATIVE
        and case.item.queue_state is QueueState.NEGATIVE
    )
    if not negative or not case.is_judged or case.is_awaited:
        return False
    makers = case.makers or {(case.bundle, case.policy_id)}
    return all(release.covers(bundle, policy_id) for bundle, policy_id in makers)
