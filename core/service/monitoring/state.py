"""Where the tests of one product stand, carried on picture by picture."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.decision.drift import CategoryStream, NumberStream
from core.decision.martingales import SMALL_BETS, Martingale, bet_on_small, smoothed_p
from core.records.monitored import WatchedPicture
from core.types import Reason

OOD = "ood"
OOD_PLACES = 100
PICTURES = 12
"""Pictures that an alarm shows."""

_RECENT_CASES = 500
_GAINS = 60
_MOST_SOURCES = 16
_MOST_POINTS = 400
_NOT_JUDGED = {Reason.UNREADABLE, Reason.POOR_QUALITY, Reason.WRONG_INPUT, Reason.FAULT}

Gain = tuple[float, str]
Stream = NumberStream | CategoryStream


@dataclass(frozen=True, slots=True)
class MonitorState:
    """The state of one product since its policy is in force.

    Attributes:
        seq: Number of the last decision taken in.
        recent: The last cases, so that one counts once.
        ood_counts: How many cases lie in each of OOD_PLACES places of the OOD p-value, the most
            unlike first to last; those of the certificate are there from the beginning.
        ood: Bets that pictures look less like those of the certificate.
        streams: By source and feature.
        gains: By test, what the last pictures added to its log wealth.
        points: What a page draws over time.
    """

    seq: int = 0
    recent: tuple[str, ...] = ()
    ood_counts: tuple[int, ...] = (0,) * OOD_PLACES
    ood: Martingale = field(default_factory=lambda: Martingale.fresh(SMALL_BETS))
    streams: Mapping[str, Mapping[str, Stream]] = field(default_factory=dict)
    gains: Mapping[str, tuple[Gain, ...]] = field(default_factory=dict)
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
        if one.case_id in self.recent or one.reasons & {r.value for r in _NOT_JUDGED}:
            return replace(self, seq=one.seq)
        recent = (*self.recent, one.case_id)[-_RECENT_CASES:] if one.case_id else self.recent
        return replace(self, seq=one.seq, recent=recent)._bet_on_ood(one)._bet_on_drift(one)

    def _bet_on_ood(self, one: WatchedPicture) -> MonitorState:
        if one.ood_p is None:
            return self
        counts, place = np.array(self.ood_counts), ood_place(one.ood_p)
        ood = self.ood.after(bet_on_small(smoothed_p(counts, place, _chance(one.id, OOD))))
        counts[place] += 1
        gained = self._gaining(OOD, ood.log - self.ood.log, one)
        return replace(gained, ood=ood, ood_counts=tuple(counts.tolist()))

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
            start = before.martingale.log if before else 0.0
            state = state._gaining(drift_test(source, name), after.martingale.log - start, one)
            own[name] = after
        return replace(state, streams={**self.streams, source: own}) if own else state

    def _gaining(self, test: str, gain: float, one: WatchedPicture) -> MonitorState:
        gains = (*self.gains.get(test, ()), (round(gain, 4), one.id))[-_GAINS:]
        return replace(self, gains={**self.gains, test: gains})

    def pictures(self, test: str) -> list[str]:
        """Return the decisions whose pictures added most to a test lately, most first."""
        ranked = sorted(self.gains.get(test, ()), key=lambda gain: -gain[0])
        return [decision for gain, decision in ranked[:PICTURES] if gain > 0.0]

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
            "gains": self.gains,
            "points": self.points,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MonitorState:
        """Return the state that ``to_json`` wrote."""
        return cls(
            seq=data["seq"],
            recent=tuple(data["recent"]),
            ood_counts=tuple(data["ood_counts"]),
            ood=Martingale.from_json(data["ood"]),
            streams={
                source: {name: _stream(one) for name, one in own.items()}
                for source, own in data["streams"].items()
            },
            gains={
                test: tuple((gain, decision) for gain, decision in some)
                for test, some in data["gains"].items()
            },
            points=tuple(data["points"]),
        )


def drift_test(source: str, feature: str) -> str:
    """Return the name of the test of one feature of one source."""
    return f"{feature} from {source}" if source else feature


def ood_place(p: float) -> int:
    """Return the place of an OOD p-value: the smaller it is, the higher."""
    return min(max(int((1.0 - p) * OOD_PLACES), 0), OOD_PLACES - 1)


def _stream(data: Mapping[str, Any]) -> Stream:
    return NumberStream.from_json(data) if "edges" in data else CategoryStream.from_json(data)


def _chance(decision_id: str, test: str) -> float:
    """Return a number uniform on [0, 1) that is the same whenever the rows are read again."""
    digest = hashlib.blake2b(f"{decision_id} {test}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)
