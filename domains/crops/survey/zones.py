"""Neighbouring tiles that call for the same thing, as zones to walk to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from shapely.geometry import MultiPolygon, Polygon

from core.decision.certificate_text import describe_certificate
from core.packs import DomainPack
from core.types import Disposition, Policy
from domains.crops.locale import N_
from domains.crops.survey.values import SurveyTile, TileStatus, Zone

Called = Disposition | None
Certificates = Mapping[Called, str]

MOST = 5
"""Of its eight neighbours so many make a tile belong to what they are."""

# The order of zones: where to walk first.
_ORDER: tuple[Called, ...] = (
    Disposition.POSITIVE,
    Disposition.DEFER,
    Disposition.NEGATIVE,
    None,
)
_AROUND = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]])
_TOUCHING = np.ones((3, 3), int)
_SCOPE = N_(
    "It holds for single pictures like those that it was counted on; nothing is certified of a "
    "zone."
)
_NOTHING = {
    Disposition.DEFER: N_("Nothing is certified here: a person decides."),
    None: N_("Nothing was judged here, so nothing is certified."),
}

_ANSWERED = N_("A person decided here; what people answer is not certified.")
_CERTIFIED = (Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER, None)
"""The order in which a survey keeps what is certified of each kind."""

Codes = NDArray[np.int64]  # place in _ORDER of what each tile of the grid calls for


def certificates_of(policy: Policy, pack: DomainPack) -> dict[Called, str]:
    """Return what is certified of each kind of verdict, as a policy's certificates state it."""
    missed, alarm = pack.error_names
    sick, healthy = pack.unit_names
    escape = describe_certificate(policy.escape, missed, sick)
    overkill = describe_certificate(policy.overkill, alarm, healthy)
    return {
        Disposition.NEGATIVE: f"{escape} {_SCOPE}",
        Disposition.POSITIVE: f"{overkill} {_SCOPE}",
        **_NOTHING,
    }


def certificates_by_call(kept: Sequence[str]) -> dict[Called, str]:
    """Return what is certified of each kind of verdict, out of what a survey keeps of it."""
    unknown = dict.fromkeys(_CERTIFIED, "")
    return unknown | _NOTHING | dict(zip(_CERTIFIED, kept, strict=False))


def zones_of(
    tiles: Sequence[SurveyTile], shape: tuple[int, int], certificates: Certificates
) -> tuple[Zone, ...]:
    """Return zones of neighbouring tiles, the one to walk to first before the others.

    What a person answered counts for a tile, whatever its verdict. Tiles touch by a side or a
    corner. A judged tile among five or more positive neighbours belongs to their zone, which then
    has a share of positive tiles below 1. Tiles without crop among five or more with crop are a
    bare patch, which a person looks at.

    Args:
        tiles: Row by row, all of a grid.
        shape: Rows and columns of the grid.
        certificates: What is certified of each kind of zone.
    """
    if not any(tile.verdict for tile in tiles):
        return ()
    codes = _codes(tiles, shape)
    found = []
    for code, called in enumerate(_ORDER):
        labels, count = ndimage.label(codes == code, structure=_TOUCHING)
        members: list[list[int]] = [[] for _ in range(count + 1)]
        for place, label in enumerate(labels.ravel().tolist()):
            members[label].append(place)
        zones = [_zone(called, group, tiles, certificates) for group in members[1:]]
        found += sorted(zones, key=lambda zone: (-zone.positive, -zone.area_m2))
    return tuple(replace(zone, number=number) for number, zone in enumerate(found, 1))


def _codes(tiles: Sequence[SurveyTile], shape: tuple[int, int]) -> Codes:
    codes = np.array([_ORDER.index(tile.called) for tile in tiles]).reshape(shape)
    is_bare = np.array([tile.status is TileStatus.NO_CROP for tile in tiles]).reshape(shape)
    is_judged = codes != _ORDER.index(None)
    codes = np.where(is_bare & (_neighbours(is_judged) >= MOST), 1, codes)
    is_positive = codes == 0
    return np.where(is_judged & ~is_positive & (_neighbours(is_positive) >= MOST), 0, codes)


def _neighbours(chosen: NDArray[np.bool_]) -> Codes:
    counted = ndimage.convolve(chosen.astype(np.int64), _AROUND, mode="constant", cval=0)
    return np.asarray(counted)


def _zone(
    called: Called, group: list[int], tiles: Sequence[SurveyTile], certificates: Certificates
) -> Zone:
    members = [tiles[place] for place in group]
    answered = sum(tile.answer is not None for tile in members)
    return Zone(
        number=0,
        disposition=called,
        tiles=tuple(group),
        area=_area(members),
        area_m2=sum(tile.area_m2 for tile in members),
        positive=sum(tile.called is Disposition.POSITIVE for tile in members),
        uncertain=sum(
            tile.called not in (Disposition.POSITIVE, Disposition.NEGATIVE) for tile in members
        ),
        certificate=_ANSWERED if answered == len(members) else certificates[called],
        answered=answered,
    )


def _area(members: Sequence[SurveyTile]) -> Polygon | MultiPolygon:
    """Return the union of tiles, whose corners are the same to the last bit."""
    made = shapely.coverage_union_all([Polygon(tile.ring) for tile in members])
    parts = [part for part in shapely.get_parts(made).tolist() if isinstance(part, Polygon)]
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)
