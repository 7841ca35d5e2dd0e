"""The faults of the matrix, each with what the station has to say of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from domains.parts.station.faults import machine_faults as machine
from domains.parts.station.faults import picture_faults as picture
from domains.parts.station.faults.rig import Rig
from domains.parts.station.result import LineReason

Inject = Callable[[Rig], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class InjectedFault:
    """One kind of fault.

    Attributes:
        name: What happens, for the table.
        inject: Brings it about for as long as its context is entered.
        reasons: Of these the station must name one; any will do where there are none.
        weight: How often it is injected beside the others.
    """

    name: str
    inject: Inject
    reasons: frozenset[LineReason] = frozenset()
    weight: int = 10


def _drawn(draw: Callable[..., object]) -> Inject:
    return partial(picture.drawn, draw=draw)  # type: ignore[arg-type]


def _file(data: bytes | slice) -> Inject:
    return partial(picture.file_of, data=data)


def _fault(name: str, inject: Inject, *reasons: LineReason, weight: int = 10) -> InjectedFault:
    return InjectedFault(name, inject, frozenset(reasons), weight)


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
    _fault("store locked by another", machine.store_locked, _R.LATE, weight=3),
    _fault("folder of the pictures lost", machine.pictures_not_kept, _R.NOT_RECORDED),
)
