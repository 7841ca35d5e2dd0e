"""Which cases are meant: a filter over every pack, kept in the address of a page.

A filter looks at the facets of a case, which are counted in a small table, at its age and at text.
It never tells what is hidden: a case drawn for the audit that nobody has reviewed matches no
verdict and no reason, since either would tell that it is an automatic negative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from core.errors import DataError
from core.records.case_status import QueueState
from core.records.values import stamp
from core.types import Disposition, Reason

_Value = TypeVar("_Value", Reason, Disposition, QueueState)

LONGEST_TEXT = 200
"""Characters of a search text at the most."""


@dataclass(frozen=True, slots=True)
class Facets:
    """What cases are filtered by, and how many cases have just these values.

    Attributes:
        id: Hash of the values.
        pack: The pack's name.
        product: Which of the pack's products; empty for the only one.
        sites: Where its images come from; an empty one where nothing names any.
        reasons: Why its images are not automatic verdicts, or were drawn.
        disposition: The worst of its images.
        queue_state: Where it waits.
        cases: How many cases have these values.
    """

    id: str
    pack: str
    product: str
    sites: tuple[str, ...]
    reasons: tuple[Reason, ...]
    disposition: Disposition
    queue_state: QueueState
    cases: int

    @property
    def is_hidden(self) -> bool:
        """Whether a person is to decide without knowing the verdict, and has not decided yet."""
        return is_hidden(self.reasons, self.queue_state)


def is_hidden(reasons: Iterable[Reason], queue_state: QueueState) -> bool:
    """Return whether a case was drawn for the audit and nobody has decided on it yet."""
    undecided = (QueueState.WAITING, QueueState.WITHDRAWN)
    return Reason.AUDIT in reasons and queue_state in undecided


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """Which cases are meant; an empty field leaves it open.

    Attributes:
        packs: Names of packs.
        products: Products.
        sites: Sites; a case of several sites matches each.
        reasons: Reasons; a case with several reasons matches each.
        verdicts: Worst of the case's images.
        states: Where a case waits; those that wait for a person unless given.
        min_age_h: Opened at least so many hours ago.
        max_age_h: Opened at most so many hours ago.
        text: Part of an id, a key, a file name, a comment or a label, in any case.
    """

    packs: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ()
    verdicts: tuple[Disposition, ...] = ()
    states: tuple[QueueState, ...] = (QueueState.WAITING,)
    min_age_h: float | None = None
    max_age_h: float | None = None
    text: str = ""

    @property
    def needs_facets(self) -> bool:
        """Whether more than packs and states has to be looked at."""
        return bool(not self.packs or self.products or self.sites or self.reasons or self.verdicts)

    def matches(self, facets: Facets) -> bool:
        """Return whether cases with these facets are meant, whatever their age and text."""
        if self.states and facets.queue_state not in self.states:
            return False
        if (self.verdicts or self.reasons) and facets.is_hidden:
            return False
        return (
            (not self.packs or facets.pack in self.packs)
            and (not self.products or facets.product in self.products)
            and (not self.verdicts or facets.disposition in self.verdicts)
            and (not self.sites or not set(self.sites).isdisjoint(facets.sites))
            and (not self.reasons or not set(self.reasons).isdisjoint(facets.reasons))
        )

    def opened_between(self, now: datetime) -> tuple[str, str]:
        """Return from when on and until when a case was opened, as the store keeps times.

        Args:
            now: With a zone.

        Returns:
            The earliest and the latest time; empty text where either is open.
        """
        earliest = "" if self.max_age_h is None else stamp(now - timedelta(hours=self.max_age_h))
        latest = "" if self.min_age_h is None else stamp(now - timedelta(hours=self.min_age_h))
        return earliest, latest

    def of_pack(self, pack: str) -> CaseFilter:
        """Return the same filter within one pack."""
        return replace(self, packs=(pack,))

    def to_query(self) -> str:
        """Return the filter as a query string; empty for the default one."""
        pairs: list[tuple[str, str]] = []
        for word, values in (
            ("pack", self.packs),
            ("product", self.products),
            ("site", self.sites),
            ("reason", self.reasons),
            ("verdict", self.verdicts),
        ):
            pairs += [(word, str(value)) for value in values]
        if self.states != CaseFilter().states:
            pairs += [("state", state.name.lower()) for state in self.states] or [("state", "")]
        ages = (("older", self.min_age_h), ("newer", self.max_age_h))
        pairs += [(word, f"{hours:g}") for word, hours in ages if hours is not None]
        return urlencode([*pairs, *([("text", self.text)] if self.text else [])])

    @classmethod
    def from_query(cls, query: str) -> CaseFilter:
        """Return the filter that a query string names.

        Raises:
            DataError: It has an unknown word, or a value that its word does not take.
        """
        found: dict[str, list[str]] = {}
        for word, value in parse_qsl(query, keep_blank_values=True):
            found.setdefault(word, []).append(value)
        if unknown := sorted(found.keys() - _WORDS):
            raise _unreadable(f"{unknown[0]!r} is none of {', '.join(sorted(_WORDS))}")
        states = found.get("state", ["waiting"])
        return cls(
            packs=tuple(found.get("pack", ())),
            products=tuple(found.get("product", ())),
            sites=tuple(found.get("site", ())),
            reasons=_each(Reason, found.get("reason", ())),
            verdicts=_each(Disposition, found.get("verdict", ())),
            states=_each(_state, [state for state in states if state]),
            min_age_h=_hours(found.get("older")),
            max_age_h=_hours(found.get("newer")),
            text=" ".join(found.get("text", ()))[:LONGEST_TEXT].strip(),
        )


_WORDS = frozenset(
    {"pack", "product", "site", "reason", "verdict", "state", "older", "newer", "text"}
)


def _state(name: str) -> QueueState:
    try:
        return QueueState[name.upper()]
    except KeyError as exc:
        raise ValueError(name) from exc


def _each(make: Callable[[str], _Value], values: Iterable[str]) -> tuple[_Value, ...]:
    try:
        return tuple(make(value) for value in values)
    except ValueError as exc:
        raise _unreadable(str(exc)) from exc


def _hours(values: list[str] | None) -> float | None:
    if not values:
        return None
    try:
        hours = float(values[-1])
    except ValueError as exc:
        raise _unreadable(f"{values[-1]!r} is no number of hours") from exc
    if not 0 <= hours <= 10**6:
        raise _unreadable(f"{values[-1]} hours are not between 0 and 1,000,000")
    return hours


def _unreadable(what: str) -> DataError:
    return DataError(
        f"The filter in the address cannot be used: {what}.",
        hint="Choose the filter on the page anew; that writes the address.",
    )
