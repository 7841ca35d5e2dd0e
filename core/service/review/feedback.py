"""Which split the label of a reviewed case joins: cal, to certify on, or train, to learn from."""

from __future__ import annotations

from core.checking.split_membership import Assignment, CaseNames, SplitMembership
from core.records.cases import CaseDetail
from core.records.values import TILE_OF


def assign_case(membership: SplitMembership, detail: CaseDetail) -> Assignment:
    """Return the split and the group that a reviewed case's label joins.

    Args:
        membership: Of the bundle that is to be certified or trained anew.
        detail: The case. Its pictures, its group (of a tile the larger picture) and the patient
            that its files state are looked up; copies of a picture in other bytes are not
            recognised here.
    """
    pictures = {image.content_key for image in detail.images}
    patients = {image.meta.get("patient_id", "").strip() for image in detail.images}
    tile_of = max((image.meta.get(TILE_OF, "") for image in detail.images), default="")
    group = tile_of or detail.item.key
    return membership.assign(
        CaseNames(
            pictures=tuple(sorted(pictures)),
            group="" if group in pictures else group,
            patients=tuple(sorted(patients - {""})),
        )
    )
