"""Policies in force, proposed and past, as sentences and table rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.decision.certificate_text import percent
from core.people import Person, Role
from core.records.deployment import Deployment
from core.records.proposals import Outcome, Proposal
from core.service.recertify.collected import Collected
from core.service.recertify.proposals import SINGLE_PERSON, is_alone

Names = Mapping[str, str]
"""How people are shown, by their id."""

_LIMITS = (("passes up to", "t_neg"), ("called out from", "t_pos"))
_ANSWERS = {"positive": "a person called it positive", "negative": "a person called it negative"}
_ANSWERS |= {"defer": "a person could not tell", "": "nobody was asked"}


def compare_rows(evidence: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return two policies beside each other: limits, certificates, share that goes to a person."""
    before, after = evidence.get("before"), evidence.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return []
    rows = [("policy", "in force", "proposed")]
    rows += [(name, _limit(before.get(key)), _limit(after.get(key))) for name, key in _LIMITS]
    rows += [
        (f"{side} certificate", _certificate(before.get(side)), _certificate(after.get(side)))
        for side in ("escape", "overkill")
    ]
    shares = [percent(one["deferred"]) for one in (before, after) if "deferred" in one]
    if len(shares) == 2:
        rows.append(("goes to a person (held-out cases)", shares[0], shares[1]))
    return rows


def _limit(value: object) -> str:
    return f"probability {value:.3f}" if isinstance(value, float | int) else "none"


def _certificate(one: object) -> str:
    if not isinstance(one, Mapping):
        return "not stated"
    counts = f"{one['k']:,} of {one['n']:,}, {100 * one['confidence']:.3g} % confidence"
    if one["certified"]:
        return f"at most {percent(one['bound'])} ({counts})"
    return f"none ({counts})"


def describe_flips(flips: Mapping[str, Any]) -> str:
    """Return how many past verdicts a proposed policy would change."""
    cases, total = flips.get("cases", 0), flips.get("total", 0)
    if not cases:
        return "There are no past verdicts of this bundle to try it on."
    text = f"{total:,} of {cases:,} verdicts of the last {flips.get('weeks')} weeks would change."
    if withheld := flips.get("withheld", 0):
        text += f" {withheld:,} of them wait for a person who must not know the verdict."
    return text


def flip_links(flips: Mapping[str, Any], wording: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the cases that would change, each with how and what a person answered."""
    return [
        (
            one["case"],
            f"{wording[one['was']]} would be {wording[one['becomes']]}; {_ANSWERS[one['answer']]}",
        )
        for one in flips.get("listed", ())
    ]


def describe_reviewed(found: Collected) -> list[str]:
    """Return what review has given for recertification, and what is missing."""
    lines = [
        f"{len(found.counted):,} reviewed cases count ({found.groups:,} groups, "
        f"{found.positive_groups:,} of them positive); {len(found.train):,} are kept for training."
    ]
    lines += [found.refusal] if found.refusal else _what_counts(found)
    if found.unsuitable and not found.refusal:
        lines.append(
            f"{found.unsuitable:,} reviewed case(s) do not count: a person saw them because of "
            "their verdict, and among such cases no escape can be seen."
        )
    if found.limit:
        lines.append(found.limit)
    if found.conflicts:
        lines.append(
            f"{len(found.conflicts):,} case(s) are contradicted by a later answer on the same "
            "picture; the later one holds."
        )
    return lines


def _what_counts(found: Collected) -> list[str]:
    more = found.look.following.size - found.complete
    lines = [f"They are counted at sizes fixed beforehand; the next needs {more:,} more case(s)."]
    if found.waiting:
        lines.append(f"{len(found.waiting):,} case(s) that would count wait for a person.")
    if found.uncompared:
        lines.append(
            f"{found.uncompared:,} reviewed case(s) are still to be compared with the known "
            "pictures; certifying does that first."
        )
    if found.copies:
        lines.append(
            f"{found.copies:,} reviewed case(s) show copies of pictures that the bundle was "
            "trained or certified on, and do not count."
        )
    if found.dispute:
        lines.append(found.dispute)
    return lines


def describe_corrected(count: int) -> str:
    """Return what answers that were corrected since a policy was certified on them mean."""
    answers = "One answer" if count == 1 else f"{count:,} answers"
    return (
        f"{answers} that this policy was certified on changed since then. Certify it anew "
        "on the answers as they stand, below."
    )


def describe_deployment(one: Deployment, names: Names) -> str:
    """Return who put a policy in force, and when."""
    at = f"{one.deployed_at.astimezone():%Y-%m-%d %H:%M}"
    by = names.get(one.deployed_by, one.deployed_by)
    if one.second_person:
        how = "proposed by" if "proposal" in one.evidence else "with"
        by += f", {how} {names.get(one.second_person, one.second_person)}"
    if one.is_second_typed:
        by += " (typed names, nobody signed in)"
    if one.evidence.get(SINGLE_PERSON):
        by += f" ({SINGLE_PERSON})"
    back = one.evidence.get("restores")
    return f"{at}: policy {one.policy_id} of {one.bundle}, by {by}" + (
        f", rolled back to number {back}." if back else "."
    )


def describe_proposal(one: Proposal, names: Names) -> str:
    """Return who proposed what, and what became of it."""
    by = names.get(one.proposed_by, one.proposed_by)
    text = f"Number {one.number}: policy {one.policy_id} of {one.bundle}, proposed by {by} on "
    text += f"{one.proposed_at.astimezone():%Y-%m-%d %H:%M}"
    if one.outcome is Outcome.OPEN or one.decided_at is None:
        return f"{text}."
    decided = names.get(one.decided_by, one.decided_by)
    text += f"; {one.outcome.value} by {decided} on {one.decided_at.astimezone():%Y-%m-%d %H:%M}"
    return f"{text}: {one.comment}" if one.comment else f"{text}."


def why_not_release(proposal: Proposal, person: Person, in_force: str) -> str:
    """Return why a person cannot release a proposal; empty where they can.

    Args:
        proposal: The proposal.
        person: Who looks at it.
        in_force: Id of the deployment in force.
    """
    if not person.id:
        return "Give your name in the sidebar; it stands under every release."
    if not person.may(Role.LEAD):
        return "It takes the role lead to release a policy."
    if proposal.deployment != in_force:
        return "Something else judges since this was proposed; reject it and propose anew."
    if person.id.casefold() == proposal.proposed_by.casefold() and not is_alone(person):
        return "You proposed it; somebody else with the role lead has to release it."
    return ""


def needs_confirmation(proposal: Proposal, person: Person) -> bool:
    """Return whether one person alone releases what they proposed, by typing its id."""
    return is_alone(person) and person.id.casefold() == proposal.proposed_by.casefold()


def people_in(deployed: Sequence[Deployment], proposed: Sequence[Proposal]) -> set[str]:
    """Return the ids of everybody who is named."""
    ids = {id_ for one in deployed for id_ in (one.deployed_by, one.second_person)}
    ids |= {id_ for one in proposed for id_ in (one.proposed_by, one.decided_by)}
    return ids - {""}
