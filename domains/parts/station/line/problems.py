"""What a station has lost, in sentences, and what it is offline for because of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domains.parts.station.judging.inspection import Inspection
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import TriggerSource


def problems_of(
    sources: Sequence[TriggerSource],
    inspection: Inspection | str,
    gate: GateRunner | None,
    monitor: str = "",
) -> tuple[str, ...]:
    """Return what a person has to mend before parts can pass; empty where nothing is lost.

    Args:
        sources: What notices parts.
        inspection: How the recipe's parts are inspected, or why nothing is inspected yet.
        gate: Follows the parts to the reject gate; None where there is none.
        monitor: Why nobody watches whether the certificate holds; empty while somebody does.
    """
    found = (*_sentences(sources, inspection, gate), *filter(None, [monitor]))
    return tuple(dict.fromkeys(found))


def offline_reasons(
    sources: Sequence[TriggerSource], gate: GateRunner | None
) -> set[OfflineReason]:
    """Return what the station is offline for while nothing notices parts, or they are lost."""
    found = {source.offline_reason for source in sources if source.problem}
    if gate is not None and gate.stop is not None:
        found.add(OfflineReason.STATION)
    return found


def _sentences(
    sources: Sequence[TriggerSource], inspection: Inspection | str, gate: GateRunner | None
) -> Iterator[str]:
    yield from filter(None, (source.problem for source in sources))
    if isinstance(inspection, str):
        yield from filter(None, [inspection])
    else:
        yield from inspection.problems
    if gate is not None and gate.stop is not None:
        yield gate.stop.sentence
