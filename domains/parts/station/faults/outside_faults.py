"""What can go wrong around a station: broker, commands, clocks, and what a PLC reads.

None of it may matter to the verdict: the part is scratched, and is to fail as such.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from unittest.mock import patch

from paho.mqtt.publish import single

from domains.parts.station.faults.picture_faults import drawn, scratched
from domains.parts.station.faults.rig import OTHER_RECIPE, Rig
from domains.parts.station.ports import Words

CLOCKS = (
    "domains.parts.station.records.parts.now",
    "domains.parts.station.line.loop.now",
    "domains.parts.station.challenge.interlock.now",
    "domains.parts.station.outputs.mqtt.utc_now",
)
"""Where a station asks for the time of day."""

_CONNECT_S = 15.0
_STALE = timedelta(seconds=10)
_JUMP = timedelta(days=2)


@contextmanager
def broker_down(rig: Rig) -> Iterator[None]:
    """Yield while the broker is not there."""
    rig.broker.stop()
    try:
        with drawn(rig, scratched):
            yield
        rig.claim(rig.plc.has_heartbeat(1.0), "the heartbeat stands still without a broker")
    finally:
        rig.broker.start()


@contextmanager
def broker_restarted(rig: Rig) -> Iterator[None]:
    """Yield just after the broker was killed and started again."""
    _await_broker(rig)
    rig.broker.stop()
    rig.broker.start()
    with drawn(rig, scratched):
        yield


@contextmanager
def stale_command(rig: Rig) -> Iterator[None]:
    """Yield after a command for another recipe came whose time is over."""
    _await_broker(rig)
    before = rig.plc.block().recipe_active
    other = OTHER_RECIPE if before != OTHER_RECIPE else 1
    body = {
        "id": f"stale-{time.monotonic_ns()}",
        "valid_until": (datetime.now(UTC) - _STALE).isoformat(),
        "name": "recipe",
        "argument": str(other),
    }
    single("assay/rig/command", json.dumps(body), qos=1, port=rig.broker.port)
    with drawn(rig, scratched):
        yield
    is_same = rig.plc.block().recipe_active == before
    rig.claim(is_same, "a command whose time was over was carried out")


@contextmanager
def clock_ahead(rig: Rig) -> Iterator[None]:
    """Yield while the machine's clock is two days ahead."""
    with _clock_set(rig, _JUMP):
        yield


@contextmanager
def clock_behind(rig: Rig) -> Iterator[None]:
    """Yield while the machine's clock is two days behind."""
    with _clock_set(rig, -_JUMP):
        yield


@contextmanager
def result_replayed(rig: Rig) -> Iterator[None]:
    """Yield while every second reading of the PLC is the one of the part before, which passed."""
    before = rig.plc.words_of_pass
    is_old = cycle((True, False))

    def replay(words: Words) -> Words:
        return (before or words) if next(is_old) else words

    rig.plc.alter = replay
    try:
        with drawn(rig, scratched):
            yield
    finally:
        rig.plc.alter = lambda words: words


@contextmanager
def _clock_set(rig: Rig, by: timedelta) -> Iterator[None]:
    def now() -> datetime:
        return datetime.now(UTC) + by

    with ExitStack() as stack:
        for name in CLOCKS:
            stack.enter_context(patch(name, now))
        with drawn(rig, scratched):
            yield
        rig.claim(rig.plc.has_heartbeat(1.0), "the heartbeat stands still as the clock is set")


def _await_broker(rig: Rig) -> None:
    deadline = time.monotonic() + _CONNECT_S
    while not rig.is_broker_connected and time.monotonic() < deadline:
        time.sleep(0.02)
    rig.claim(rig.is_broker_connected, "the broker is not connected again")
