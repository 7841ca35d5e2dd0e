"""Cases whose pictures are copies: of one origin, they count once, and known ones not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.checking.split_membership import Assignment
from core.decision.shared_names import join_by_name
from core.records.picture_origins import IN_BUNDLE
from core.records.reviewed_cases import ReviewedCase


@dataclass(frozen=True, slots=True)
class Assigned:
    """A reviewed case with the split and the group that its label joins.

    Attributes:
        case: The case.
        place: Split and group.
        is_compared: Whether its pictures have been compared with the known ones.
        origins: What its pictures are copies of; themselves where they are of none.
    """

    case: ReviewedCase
    place: Assignment
    is_compared: bool = True
    origins: frozenset[str] = frozenset()


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
        pictures = one.case.pictures
        is_compared = all(picture in origins for picture in pictures)
        of = frozenset(origins.get(picture, picture) for picture in pictures)
        if not (one.place.is_new and IN_BUNDLE in of):
            kept.append(replace(one, is_compared=is_compared, origins=of - {IN_BUNDLE}))
    groups = join_by_name([one.origins for one in kept])
    home: dict[int, int] = {}
    for at, group in enumerate(groups):
        best = home.setdefault(group, at)
        if (_rank(kept[at], origins), at) < (_rank(kept[best], origins), best):
            home[group] = at
    kept = [
        replace(one, place=kept[home[group]].place) for one, group in zip(kept, groups, strict=True)
    ]
    return kept, len(assigned) - len(kept)


def _rank(one: Assigned, origins: Mapping[str, str]) -> tuple[bool, bool, bool]:
    is_known = not one.place.is_new
    is_origin = any(origins.get(picture) == picture for picture in one.case.pictures)
    return not (is_known and one.place.split == "train"), not is_known, not is_origin
