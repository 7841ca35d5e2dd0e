"""Injecting the whole catalog, again and again, and counting what a PLC saw of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic, sleep

from core.decision.certificate import best_alpha
from core.service.progress import Progress, silent
from domains.parts.station.faults.catalog import FAULTS, InjectedFault
from domains.parts.station.faults.plc import PlcAnswer
from domains.parts.station.faults.rig import Rig
from domains.parts.station.result import LineReason, LineResult

PLC_WAIT_S = 2.0
RECOVERY_S = 10.0
_ON_A_BUSY_MACHINE = {LineReason.LATE.number, LineReason.STALLED.number}
_NAMES = {reason.number: reason.name for reason in LineReason}


@dataclass
class FaultCount:
    """What came of one kind of fault.

    Attributes:
        fault: The fault.
        results: How often which result was shown; None where the PLC got none and rejects.
        reasons: How often which reason was named.
        slowest_s: Longest time from trigger to answer.
        unexpected: Answers that named none of the fault's reasons.
        recovered: Faultless parts after it that passed.
        followed: Faultless parts after it.
        wrong: What else was wrong, as sentences.
    """

    fault: InjectedFault
    results: Counter[LineResult | None] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    unexpected: int = 0
    recovered: int = 0
    followed: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_safe(self) -> bool:
        """Whether no part passed, the station answered where it could, and nothing was wrong."""
        unanswered = 0 if self.fault.is_fatal else self.results[None]
        return not (self.results[LineResult.PASS] or unanswered or self.wrong)

    @property
    def injected(self) -> int:
        """How often it was injected."""
        return self.results.total()

    def add(self, answer: PlcAnswer) -> None:
        """Count what a PLC got for one injection."""
        self.results[answer.result] += 1
        self.slowest_s = max(self.slowest_s, answer.elapsed_s)
        if answer.reason:
            self.reasons[_NAMES[answer.reason]] += 1
        expected = {reason.number for reason in self.fault.reasons}
        if answer.result is LineResult.PASS or (
            expected and answer.reason not in expected | _ON_A_BUSY_MACHINE
        ):
            self.unexpected += 1


def inject_faults(
    rig: Rig,
    count: int,
    faults: Sequence[InjectedFault] = FAULTS,
    progress: Progress = silent,
) -> list[FaultCount]:
    """Return the answers to faults injected one by one, a faultless part after each.

    Args:
        rig: A running station.
        count: About how many in all, shared out by weight; at least one of each.
        faults: The kinds; those that need a broker are left out where the rig has none.
        progress: Called with how far the work is.
    """
    kinds = [fault for fault in faults if rig.has_broker or not fault.needs_broker]
    weight = sum(fault.weight for fault in kinds)
    counts = [FaultCount(fault) for fault in kinds]
    shares = [max(1, round(count * fault.weight / weight)) for fault in kinds]
    total, done = sum(shares), 0
    for turn in range(max(shares)):
        for one, share in zip(counts, shares, strict=True):
            if turn < share:
                _inject(rig, one)
                done += 1
                progress("Injecting faults", done, total)
    return counts


def _inject(rig: Rig, count: FaultCount) -> None:
    with count.fault.inject(rig) as answer:
        count.add(answer or rig.inspect(PLC_WAIT_S))
    answer = _recover(rig)
    count.followed += 1
    count.recovered += answer.result is LineResult.PASS
    block = rig.plc.block()
    answered = block.pass_count + block.fail_count + block.stop_count
    rig.claim(answered == rig.plc.taken, f"{answered} answers to {rig.plc.taken} triggers")
    count.wrong += rig.wrong
    rig.wrong.clear()


def _recover(rig: Rig) -> PlcAnswer:
    """Return the first answer to a faultless part that is judged by its picture."""
    deadline = monotonic() + RECOVERY_S
    by_picture = {0, *(r.number for r in LineReason if r.number < LineReason.UNREADABLE.number)}
    while True:
        answer = rig.inspect(PLC_WAIT_S)
        is_judged = answer.result is not None and answer.reason in by_picture
        if is_judged or monotonic() > deadline:
            return answer
        sleep(0.02)


def describe_counts(counts: Sequence[FaultCount]) -> list[str]:
    """Return the table of a run, as lines."""
    width = max(len(one.fault.name) for one in counts)
    lines = [
        f"{'fault':<{width}}  injected  PASS  FAIL  STOP  none  wrong   slowest   good part after"
        "  reasons"
    ]
    for one in counts:
        results = [one.results[key] for key in (*LineResult, None)]
        after = f"{one.recovered} of {one.followed} pass"
        named = ", ".join(name for name, _ in one.reasons.most_common(3))
        slowest_ms = 1000 * one.slowest_s
        lines.append(
            f"{one.fault.name:<{width}}  {one.injected:>8}  {results[0]:>4}  {results[1]:>4}  "
            f"{results[2]:>4}  {results[3]:>4}  {len(one.wrong):>5}  {slowest_ms:>5.0f} ms"
            f"  {after:>16}  {named}".rstrip()
        )
    return [*lines, "", *_summary(counts)]


def _summary(counts: Sequence[FaultCount]) -> list[str]:
    injected = sum(one.injected for one in counts)
    passed = sum(one.results[LineResult.PASS] for one in counts)
    wrong = [f"{one.fault.name}: {sentence}." for one in counts for sentence in one.wrong]
    if passed:
        wrong.append(f"{passed} of {injected} injected faults ended in PASS: it is not safe.")
        return wrong
    bound = best_alpha(injected, 0.95)
    return [
        *wrong,
        f"0 of {injected} injected faults ended in PASS; at 95 % confidence fewer than "
        f"{bound:.2%} of faults drawn like these do.",
        "After each the reject gate stood open for no part without a PASS, and every trigger that "
        "was taken was answered once."
        if not wrong
        else "The station is not safe: see above.",
    ]
