"""What the tests say of a product: which of them alarm, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from core.decision.certificate_text import percent
from core.decision.martingales import Martingale, log_alarm
from core.decision.monitoring import (
    EscapeEstimate,
    FoundPositive,
    bet_against_rate,
    estimate_escapes,
)
from core.decision.rate import describe_share
from core.decision.shared_names import join_by_name
from core.records.picture_origins import IN_BUNDLE
from core.records.values import stamp
from core.records.watched_reads import WatchedRead
from core.service.monitoring.state import OOD, PICTURES, MonitorState, drift_test
from core.types import Disposition, Reason

DELTAS: Mapping[str, float] = {"escapes": 0.02, "ood": 0.02, "drift": 0.01}
"""With which probability each kind of alarm is ever raised while nothing has changed: 5 % in all,
as long as a policy is in force."""

FEATURES = 9
"""Features of a source that are watched, among which the probability for drift is shared."""

PATIENCE = timedelta(minutes=10)
"""How long a read waits for being compared with the others."""

ESCAPES, DRIFT = "escapes", "drift"
_MOST_LOG = 690.0
_REACH_LIMITS = {
    Reason.AMBIGUOUS.value,
    Reason.NOT_CERTIFIED.value,
    Reason.AUDIT.value,
    Reason.CORRECTED.value,
}


@dataclass(frozen=True, slots=True)
class EscapeTest:
    """What the cases that people have read say of the escape rate.

    Attributes:
        estimate: The live rate.
        log: Log wealth of the bets that the rate is above the certified one.
        peak: The largest it was.
        pictures: The escapes, by their decisions, the newest first.
    """

    estimate: EscapeEstimate
    log: float
    peak: float
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Signal:
    """A test that alarms.

    Attributes:
        kind: ``escapes``, ``ood`` or ``drift``.
        source: What drifted, and where.
        sentence: What is the matter.
        evidence: The figures, and ``pictures``.
    """

    kind: str
    source: str
    sentence: str
    evidence: Mapping[str, Any]


def measure_escapes(
    reads: Sequence[WatchedRead], alpha: float, audit_share: float, at: datetime
) -> EscapeTest | None:
    """Return what reads say of the escape rate; None where nothing is drawn for the audit.

    An automatic positive that waits for a person counts as found until the person says otherwise:
    whoever reads the audit draw before all others must not make escapes look frequent. Of one
    origin the first case counts, and the next ones say nothing more.

    Args:
        reads: In the order of their decisions.
        alpha: The escape rate that was certified.
        audit_share: With which probability a negative is drawn now.
        at: Now.
    """
    found, pictures = [], []
    for one in first_of_each_origin([one for one in reads if _says_something(one)], at):
        q = one.draw_probability if one.draw_probability is not None else audit_share
        if q:
            escaped = one.verdict is Disposition.NEGATIVE
            found.append(FoundPositive(escaped, q))
            if escaped:
                pictures.append(one.decision_id)
    if not found and not audit_share:
        return None
    path = bet_against_rate(found, alpha)
    return EscapeTest(
        estimate_escapes(found),
        path[-1] if path else 0.0,
        max(path, default=0.0),
        tuple(reversed(pictures)),
    )


def first_of_each_origin(reads: Sequence[WatchedRead], at: datetime) -> list[WatchedRead]:
    """Return the reads that are independent of each other and of what the bundle was made of.

    One that is still to be compared with the others waits for that, which is a matter of a minute;
    where nothing compared it for ``PATIENCE`` it counts as of an origin of its own, so that no
    alarm depends on a search that fails.

    Args:
        reads: In the order of their decisions.
        at: Now.
    """
    due = stamp(at - PATIENCE)
    ready = [
        one for one in reads if (one.origins or one.at <= due) and IN_BUNDLE not in one.origins
    ]
    groups = join_by_name([{*one.origins, one.decision_id} for one in ready])
    return [one for place, one in enumerate(ready) if groups[place] == place]


def _says_something(one: WatchedRead) -> bool:
    """Return whether a read is of a positive case that came to a person whatever its verdict."""
    is_positive = one.answer in (Disposition.POSITIVE, None)
    is_audited = one.verdict is Disposition.NEGATIVE
    return is_positive and (one.is_drawn if is_audited else one.reasons <= _REACH_LIMITS)


def drift_level(source_number: int) -> float:
    """Return the log wealth at which a feature of the n-th source alarms, counted from 1.

    Bonferroni: ``1 / (n (n + 1))`` of the probability for drift goes to the n-th source, and the
    features of a source share that.
    """
    share = DELTAS[DRIFT] / (source_number * (source_number + 1))
    return log_alarm(share / FEATURES)


def signals(state: MonitorState, escapes: EscapeTest | None, alpha: float) -> Iterator[Signal]:
    """Yield every test that alarms.

    Args:
        state: Of one product.
        escapes: What people's reads say; None where nothing is drawn.
        alpha: The escape rate that was certified.
    """
    if escapes is not None and escapes.peak >= log_alarm(DELTAS[ESCAPES]):
        yield _escapes(escapes, alpha)
    if state.ood.peak >= log_alarm(DELTAS[OOD]):
        yield _ood(state)
    for number, (source, own) in enumerate(state.streams.items(), 1):
        for name, stream in own.items():
            if stream.martingale.peak >= drift_level(number):
                yield _drift(state, source, name, stream.martingale)


def _escapes(found: EscapeTest, alpha: float) -> Signal:
    one = found.estimate
    sentence = (
        f"Too many escapes: {one.escapes} of {one.found} positive cases that people found had "
        f"passed, and only the audit draw brought them up. The live escape rate is "
        f"{describe_share(one.value, (one.low, one.high))}; certified was {percent(alpha)} at most."
    )
    evidence = {**asdict(one), "alpha": alpha, "log_wealth": round(found.peak, 3)}
    return Signal(ESCAPES, "", sentence, evidence | {"pictures": list(found.pictures[:PICTURES])})


def _ood(state: MonitorState) -> Signal:
    sentence = (
        f"Pictures look less like those that the certificate rests on: chance would look like this "
        f"once in {odds(state.ood.peak)} times, after {state.ood.steps:,} cases."
    )
    evidence = {"log_wealth": round(state.ood.peak, 3), "cases": state.ood.steps}
    return Signal(OOD, "", sentence, evidence | {"pictures": state.pictures(OOD, state.ood)})


def _drift(state: MonitorState, source: str, feature: str, martingale: Martingale) -> Signal:
    test, peak = drift_test(source, feature), martingale.peak
    where = f" from {source}" if source else ""
    sentence = (
        f"The {feature} of the pictures{where} has changed: chance would look like this once in "
        f"{odds(peak)} times."
    )
    evidence = {"log_wealth": round(peak, 3), "pictures": state.pictures(test, martingale)}
    return Signal(DRIFT, test, sentence, evidence)


def odds(log_wealth: float) -> str:
    """Return a wealth as a number to be read: ``1,200``."""
    return f"{float(f'{math.exp(min(log_wealth, _MOST_LOG)):.2g}'):,.0f}"
