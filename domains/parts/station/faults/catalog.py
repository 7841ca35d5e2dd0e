"""The faults of the matrix, each with what the station has to say of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from domains.parts.station.faults import gate_faults as gate
from domains.parts.station.faults import machine_faults as machine
from domains.parts.station.faults import outside_faults as outside
from domains.parts.station.faults import picture_faults as picture
from domains.parts.station.faults import store_faults as kept
from domains.parts.station.faults.plc import PlcAnswer
from domains.parts.station.faults.process_faults import station_killed
from domains.parts.station.faults.rig import Rig
from domains.parts.station.result import LineReason

Inject = Callable[[Rig], AbstractContextManager[PlcAnswer | None]]
"""Enters a fault; yields what came of the part where no PLC of the rig could see it."""


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One kind of fault.

    Attributes:
        name: What happens, for the table.
        inject: Brings it about for as long as its context is entered.
        reasons: Of these the station must name one; any will do where there are none.
        weight: How often it is injected beside the others.
        needs_broker: Whether it needs a rig with a broker.
        is_fatal: Whether the station cannot answer any more, so that the PLC rejects by itself.
    """

    name: str
    inject: Inject
    reasons: frozenset[LineReason] = frozenset()
    weight: float = 10.0
    needs_broker: bool = False
    is_fatal: bool = False


def _drawn(draw: Callable[..., object]) -> Inject:
    return partial(picture.drawn, draw=draw)  # type: ignore[arg-type]


def _file(data: bytes | slice) -> Inject:
    return partial(picture.file_of, data=data)


def _fault(
    name: str,
    inject: Inject,
    *reasons: LineReason,
    weight: float = 10.0,
    needs_broker: bool = False,
) -> InjectedFault:
    return InjectedFault(name, inject, frozenset(reasons), weight, needs_broker)


_R = LineReason
UNREADABLE = (_R.UNREADABLE,)

FAULTS = (
    _fault("scratched plate", _drawn(picture.scratched), _R.DEFECT),
    _fault("light off", _drawn(picture.dark)),
    _fault("overexposed", _drawn(picture.overexposed)),
    _fault("out of focus", _drawn(picture.out_of_focus)),
    _fault("no part in view", _drawn(picture.empty_belt)),
    _fault("wrong part", _drawn(picture.wrong_part)),
    _fault("two parts in view", _drawn(picture.two_parts)),
    _fault("file cut off", _file(slice(0, 200)), *UNREADABLE),
    _fault("file empty", _file(b""), *UNREADABLE),
    _fault("file is no picture", _file(b"\x00\xff" * 999), *UNREADABLE),
    _fault("same frame again", machine.frame_repeated, _R.FRAME_FROZEN),
    _fault("one frame behind", machine.frame_behind, _R.FRAME_STALE),
    _fault("frame older than its trigger", machine.frame_old, _R.FRAME_STALE),
    _fault("frame without a time", machine.frame_without_time, _R.FRAME_STALE),
    _fault("camera's clock goes back", machine.camera_clock_back, _R.CLOCK),
    _fault("camera gives no frame", machine.no_frame, _R.NO_FRAME),
    _fault("camera hangs", machine.camera_hangs, _R.LATE, weight=3),
    _fault("camera gone", machine.camera_gone, _R.CAMERA_LOST, weight=1),
    _fault("another camera in its place", machine.camera_swapped, _R.CAMERA_CHANGED, weight=1),
    _fault("network gives no numbers", machine.network_gives_nan, _R.INFERENCE_FAULT),
    _fault("network hangs", machine.network_hangs, _R.LATE, weight=3),
    _fault("memory exhausted", machine.memory_exhausted, _R.INFERENCE_FAULT),
    _fault("store locked by another", kept.store_locked, _R.LATE, weight=3),
    _fault("store full", kept.store_full, _R.DISK, _R.DEFECT),
    _fault("store full, reserve freed", kept.store_full_with_reserve, _R.DISK, _R.DEFECT),
    _fault("folder of the pictures lost", kept.pictures_not_kept, _R.NOT_RECORDED),
    _fault("bundle missing", kept.bundle_missing, _R.BUNDLE, weight=0.5),
    _fault("bundle altered", kept.bundle_altered, _R.BUNDLE, weight=0.5),
    _fault("clock two days ahead", outside.clock_ahead, _R.DEFECT),
    _fault("clock two days behind", outside.clock_behind, _R.DEFECT),
    _fault("result of the part before replayed", outside.result_replayed, _R.DEFECT),
    _fault("broker down", outside.broker_down, _R.DEFECT, weight=0.5, needs_broker=True),
    _fault("broker restarted", outside.broker_restarted, _R.DEFECT, weight=0.5, needs_broker=True),
    _fault("command too old", outside.stale_command, _R.DEFECT, weight=3, needs_broker=True),
    _fault("reject not confirmed", gate.reject_not_confirmed, _R.DEFECT),
    _fault("encoder stands still", gate.encoder_still, _R.DEFECT),
    _fault("encoder jumps back", gate.encoder_back, _R.DEFECT),
    InjectedFault("station killed", station_killed, weight=0.1, is_fatal=True),
)
