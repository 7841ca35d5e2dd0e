"""Small pictures of photos that are on record, for the page to print."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import AssayError
from core.model.explain import thumbnail
from core.records.connection import Store
from core.records.worklist import case_detail
from core.service.review.explanations import Explainer
from domains.crops.exports.photo_rows import ReportedPhoto

MOST = 12
_SIDE, _QUALITY = 224, 85


def picture_photos(
    photos: Sequence[ReportedPhoto], store: Store | None, explainer: Explainer | None
) -> dict[str, bytes]:
    """Return the pictures of the first photos as JPEGs, by case; of one whose file is gone, none.

    Args:
        photos: The most urgent first.
        store: Where they are recorded; nothing is shown where None.
        explainer: Reads their pictures; nothing is shown where None.
    """
    cases = list(dict.fromkeys(one.photo.case for one in photos if one.photo.case))
    found: dict[str, bytes] = {}
    if store is None or explainer is None:
        return found
    for case in cases[:MOST]:
        try:
            decisions = [image.decision for image in case_detail(store, case).images]
            shown = [explainer.picture(made) for made in decisions[-1:] if made is not None]
        except AssayError:
            continue
        for one in shown:
            found[case] = thumbnail(one.pixels, _SIDE, _QUALITY)
    return found
