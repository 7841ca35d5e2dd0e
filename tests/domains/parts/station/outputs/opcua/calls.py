"""What several tests of the OPC UA server call and expect."""

from __future__ import annotations

from concurrent.futures import Future

from asyncua import ua

from tests.domains.parts.station.inspected import inspected

ILLEGAL = (ua.uaerrors.BadInvalidState, ua.uaerrors.BadNotExecutable)


def part_of(trigger, *reasons, number=1, **fields):
    return inspected(number, *reasons, at=trigger.at, part_seq=trigger.part_seq, **fields)


def prepare(peer, number) -> Future:
    return peer.start(peer.calling("PrepareRecipe", number, ""))
