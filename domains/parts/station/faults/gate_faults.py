"""What can go wrong at the reject gate. The part is scratched, so it has to be rejected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from domains.parts.station.faults.belt import Belt
from domains.parts.station.faults.picture_faults import drawn, scratched
from domains.parts.station.faults.rig import Rig
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import Command

_STILL = 2
_CYCLE_S = 1.0
_TRIES = 5


@contextmanager
def reject_not_confirmed(rig: Rig) -> Iterator[None]:
    """Yield while the actuator does not say that it has rejected."""
    with _stopped_by(rig) as belt:
        belt.confirms = False
        yield


@contextmanager
def encoder_still(rig: Rig) -> Iterator[None]:
    """Yield while parts come although the encoder stands."""
    with _stopped_by(rig) as belt:
        belt.stands = True
        for _ in range(_STILL):
            rig.inspect(_CYCLE_S)
        yield


@contextmanager
def encoder_back(rig: Rig) -> Iterator[None]:
    """Yield while the encoder jumps back with the part between camera and gate."""
    with _stopped_by(rig) as belt:
        belt.slips = True
        yield


@contextmanager
def _stopped_by(rig: Rig) -> Iterator[Belt]:
    """Yield with a scratched part before the camera; the gate has to stop the line by then."""
    belt = rig.belt
    with drawn(rig, scratched):
        yield belt
    is_stopped = rig.plc.wait_offline(OfflineReason.STATION, _CYCLE_S)
    rig.claim(is_stopped, "the line was not stopped by its gate")
    belt.confirms, belt.stands, belt.slips = True, False, False
    for _ in range(_TRIES):
        belt.carry(is_followed=False)
        rig.line.post(Command(0.0, "acknowledge"))
        if rig.plc.enable(_CYCLE_S):
            return
