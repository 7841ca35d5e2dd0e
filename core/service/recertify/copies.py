"""Cases whose pictures are copies: of one origin, they count once, and known ones not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.checking.duplicates import clusters
from core.checking.split_membership import Assignment
from core.records.picture_origins import IN_BUNDLE
from core.records.reviewed_cases import ReviewedCase


@dataclass(frozen=True, slots=True)
class Assigned:
    """A reviewed case with the split and the group that its label joins.

    Attributes:
        case: The case.
        place: Split and group.
        is_compared: Whether its pictures have been compared with the known ones.
    """

    case: ReviewedCase
    place: Assignment
    is_compared: bool = True


def join_copies(
    assigned: Sequence[Assigned], origins: Mapping[str, str]
) -> tuple[list[Assigned], int]:
    """Return cases with one split and group for those of one origin, and how many were left out.

    Left out is a case new by name that shows a picture the bundle was trained or certified on: it
    says nothing further. Of cases of one origin the first one known by name says where they belong,
    of train before cal, as a name in both does; else the first that came and is its own origin.

    Args:
        assigned: By name, in the order of their arrival.
        origins: Of each picture that was compared.
    """
    kept = []
    for one in assigned:
        of = {origins.get(picture, "") for picture in one.case.pictures}
        if not (one.place.is_new and IN_BUNDLE in of):
            kept.append(replace(one, is_compared="" not in of))
    for members in clusters(len(kept), _pairs(kept, origins)):
        first = min(members, key=lambda at: (*_rank(kept[at], origins), at))
        for at in members:
            kept[at] = replace(kept[at], place=kept[first].place)
    return kept, len(assigned) - len(kept)


def _rank(one: Assigned, origins: Mapping[str, str]) -> tuple[bool, bool, bool]:
    is_known = not one.place.is_new
    is_origin = any(origins.get(picture) == picture for picture in one.case.pictures)
    return not (is_known and one.place.split == "train"), not is_known, not is_origin


def _pairs(kept: Sequence[Assigned], origins: Mapping[str, str]) -> list[tuple[int, int]]:
    first: dict[str, int] = {}
    return [
        (first.setdefault(origins[picture], at), at)
        for at, one in enumerate(kept)
        for picture in one.case.pictures
        if origins.get(picture, IN_BUNDLE) != IN_BUNDLE
    ]
