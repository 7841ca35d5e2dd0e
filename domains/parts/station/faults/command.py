"""What `assay parts station faults` does."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from core.cli.output import print_json, print_line, progress_bar
from core.settings import Settings
from domains.parts.station.faults.broker import installed_broker
from domains.parts.station.faults.matrix import FaultCount, describe_counts, inject_faults
from domains.parts.station.faults.rig import Rig, make_product
from domains.parts.station.result import LineResult


def run_faults(count: int, deadline_ms: int, *, json: bool) -> bool:
    """Return whether all was safe under injected faults, in a folder of their own; print the table.

    Args:
        count: About how many.
        deadline_ms: Deadline of the station.
        json: Whether one JSON object a fault is written instead of the table.
    """
    # The station logs each fault that it meets; here the table says it.
    logging.disable(logging.CRITICAL)
    with TemporaryDirectory(prefix="assay-faults-") as folder, progress_bar() as progress:
        settings = Settings(home=Path(folder))
        make_product(settings, progress)
        with (
            installed_broker(settings.home) as broker,
            Rig(settings, deadline_ms, broker=broker, has_belt=True) as rig,
        ):
            counts = inject_faults(rig, count, progress=progress)
    logging.disable(logging.NOTSET)
    _print(counts, json=json)
    if broker is None and not json:
        print_line("mosquitto is not installed: the faults of a broker were left out.")
    return all(one.is_safe for one in counts)


def _print(counts: Sequence[FaultCount], *, json: bool) -> None:
    if not json:
        for line in describe_counts(counts):
            print_line(line)
        return
    for one in counts:
        print_json(
            {
                "fault": one.fault.name,
                "injected": one.injected,
                **{result.value: one.results[result] for result in LineResult},
                "unanswered": one.results[None],
                "wrong": one.wrong,
                "slowest_ms": round(1000 * one.slowest_s, 1),
                "good_parts_after": one.followed,
                "good_parts_after_passed": one.recovered,
                "reasons": dict(one.reasons),
            }
        )
