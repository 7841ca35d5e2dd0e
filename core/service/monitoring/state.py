"""Where the tests of one product stand, carried on picture by picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.decision.drift import CategoryStream, NumberStream
from core.decision.martingales import (
    BOTH_BETS,
    SMALL_BETS,
    Martingale,
    bet_on_both,
    bet_on_small,
    smoothed_p,
)
from core.records.monitored import WatchedPicture
from core.types import Reason

OOD = "ood"
OOD_PLACES = 100
PICTURES = 12
"""Pictures that an alarm shows."""

_RECENT_CASES = 500
_RANKED = 60
_MOST_SOURCES = 16
_MOST_POINTS = 400
_GATES = {
    one.value for one in (Reason.UNREADABLE, Reason.POOR_QUALITY, Reason.WRONG_INPUT, Reason.FAULT)
}

RankedPicture = tuple[float, str]
"""A p-value, and the decision whose picture has it."""

OodCounts = tuple[tuple[int, ...], tuple[int, ...]]

Stream = NumberStream | CategoryStream


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The state of one product since its policy is in force.

    Attributes:
        seq: Number of the last decision taken in.
        recent: The last cases, so that one counts once.
        ood_counts: By side (see ``ood_side``), how many cases lie in each of OOD_PLACES places of
            the OOD p-value, the most unlike last; those of the certificate from the beginning.
        ood: Bets that pictures look less like those of the certificate.
        streams: By source and feature.
        ranked: By test, the p-values of the last pictures.
        points: What a page draws over time.
    """

    seq: int = 0
    recent: tuple[str, ...] = ()
    ood_counts: OodCounts = ((0,) * OOD_PLACES,) * 2
    ood: Martingale = field(default_factory=lambda: Martingale.fresh(SMALL_BETS))
    streams: Mapping[str, Mapping[str, Stream]] = field(default_factory=dict)
    ranked: Mapping[str, tuple[RankedPicture, ...]] = field(default_factory=dict)
    points: tuple[Mapping[str, Any], ...] = ()

    def after(self, pictures: Sequence[WatchedPicture]) -> MonitorState:
        """Return the state once further pictures are taken in, in the order of their decisions.

        Of a case the first picture counts: those of one part or patient are alike.
        """
        state = self
        for one in pictures:
            state = state._after(one)
        return state

    def _after(self, one: WatchedPicture) -> MonitorState:
        state = replace(self, seq=one.seq)
        if one.case_id in self.recent or not (one.measures or one.ood_p is not None):
            return state
        if one.case_id:
            state = replace(state, recent=(*self.recent, one.case_id)[-_RECENT_CASES:])
        return state._bet_on_ood(one)._bet_on_drift(one)

    def _bet_on_ood(self, one: WatchedPicture) -> MonitorState:
        # The certificate is of pictures that pass the gates; drift is of all that come.
        if one.ood_p is None or one.reasons & _GATES:
            return self
        sides, side = np.array(self.ood_counts), ood_side(one.positive_probability)
        counts, place = sides[side], ood_place(one.ood_p)
        p = smoothed_p(counts, place, _chance(one.id, OOD))
        # Beyond all others p is a number drawn by chance alone, which must raise no alarm.
        ood = self.ood.after(bet_on_small(max(p, 1.0 / (counts.sum() + 1.0))))
        counts[place] += 1
        negative, positive = (tuple(row) for row in sides.tolist())
        return replace(self._ranking(OOD, p, one), ood=ood, ood_counts=(negative, positive))

    def _bet_on_drift(self, one: WatchedPicture) -> MonitorState:
        source = one.source
        if source not in self.streams and len(self.streams) >= _MOST_SOURCES:
            source = "others"
        own: dict[str, Stream] = dict(self.streams.get(source, {}))
        state = self
        for name, value in one.measures.items():
            u = _chance(one.id, name)
            before = own.get(name)
            if isinstance(value, str):
                named = before if isinstance(before, CategoryStream) else CategoryStream({})
                after: Stream = named.after(value, u)
            else:
                number = before if isinstance(before, NumberStream) else NumberStream()
                after = number.after(float(value), u)
            state = state._ranking(drift_test(source, name), after.last_p, one)
            own[name] = after
        return replace(state, streams={**self.streams, source: own}) if own else state

    def _ranking(self, test: str, p: float | None, one: WatchedPicture) -> MonitorState:
        if p is None:
            return self
        ranked = (*self.ranked.get(test, ()), (round(p, 6), one.id))[-_RANKED:]
        return replace(self, ranked={**self.ranked, test: ranked})

    def pictures(self, test: str, martingale: Martingale) -> list[str]:
        """Return the decisions whose pictures add most to a test lately, most first.

        Those on which the bet that has won most wins most.

        Args:
            test: Name of the test.
            martingale: Its bets.
        """
        is_both = len(martingale.logs) == BOTH_BETS
        bet = bet_on_both if is_both else bet_on_small
        won = [(float(bet(p)[martingale.leading]), name) for p, name in self.ranked.get(test, ())]
        best = sorted(won, key=lambda one: -one[0])[:PICTURES]
        return [name for factor, name in best if factor > 0.0]

    def with_point(self, point: Mapping[str, Any]) -> MonitorState:
        """Return it with one more point to be drawn; of too many every second one is dropped."""
        points = (*self.points, point)
        return replace(self, points=points if len(points) <= _MOST_POINTS else points[1::2])

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {
            "seq": self.seq,
            "recent": self.recent,
            "ood_counts": self.ood_counts,
            "ood": self.ood.to_json(),
            "streams": {
                source: {name: one.to_json() for name, one in own.items()}
                for source, own in self.streams.items()
            },
            "ranked": self.ranked,
            "points": self.points,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MonitorState:
        """Return the state that ``to_json`` wrote."""
        return cls(
            seq=data["seq"],
            recent=tuple(data["recent"]),
            ood_counts=(tuple(data["ood_counts"][0]), tuple(data["ood_counts"][1])),
            ood=Martingale.from_json(data["ood"]),
            streams={
                source: {name: _stream(one) for name, one in own.items()}
                for source, own in data["streams"].items()
            },
            ranked={
                test: tuple((p, decision) for p, decision in some)
                for test, some in data["ranked"].items()
            },
            points=tuple(data["points"]),
        )


def drift_test(source: str, feature: str) -> str:
    """Return the name of the test of one feature of one source."""
    return f"{feature} from {source}" if source else feature


def ood_side(positive_probability: float | None) -> int:
    """Return the side on which a picture is compared: 1 where it is probably positive, else 0.

    Certificates hold whatever share of the pictures is positive, and a line has far fewer defects
    than they are counted over. Compared over both sides, that alone would look like a change.
    Source: Mondrian conformal predictors, Vovk, Gammerman and Shafer (2005), section 4.5.
    """
    return int(positive_probability is not None and positive_probability >= 0.5)


def ood_place(p: float) -> int:
    """Return the place of an OOD p-value: the smaller it is, the higher."""
    return min(max(int((1.0 - p) * OOD_PLACES), 0), OOD_PLACES - 1)


def _stream(data: Mapping[str, Any]) -> Stream:
    return NumberStream.from_json(data) if "edges" in data else CategoryStream.from_json(data)


def _chance(decision_id: str, test: str) -> float:
    """Return a number uniform on [0, 1) that is the same whenever the rows are read again."""
    digest = hashlib.blake2b(f"{decision_id} {test}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
