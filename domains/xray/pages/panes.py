"""The pictures of a case as panes: worked out beside the page, the heat map where it may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.errors import AssayError
from core.packs import entry_of
from core.records.cases import CaseImage
from core.records.values import StoredDecision
from core.service.review.review import ReviewSession, next_case
from core.types import Policy
from dashboard import widgets
from dashboard.lightbox import Lightbox
from dashboard.viewer import Pane
from domains.xray.worklist import showing


def policy_of(bundle_sha256: str, policy_id: str) -> Policy | None:
    """Return the policy of a verdict; None where its bundle is not at hand, or not open yet."""
    try:
        return lightbox().policy(bundle_sha256, policy_id)
    except AssayError:
        return None


def pane(image: CaseImage, *, heat: bool) -> Pane:
    """Return an image as a pane; what is missing stands in its place.

    Args:
        image: The image.
        heat: Whether with its heat map, which tells the verdict.
    """
    title, decision = showing.pane_title(image), image.decision
    bare = Pane(image.id, title, "", showing.DISCLAIMER, plate=None, missing="Not judged yet.")
    if decision is None:
        return bare
    try:
        plated = _plated(bare, image, decision)
    except AssayError as exc:
        return replace(bare, missing=str(exc))
    if not heat:
        return plated
    try:
        map_ = lightbox().heat(decision)
    except AssayError as exc:
        return replace(plated, note=f"No heat map: {exc.message}")
    if map_ is None:
        _come_back(decision)
        return replace(plated, note="The heat map is being worked out …")
    return replace(plated, heat=map_)


def _plated(bare: Pane, image: CaseImage, decision: StoredDecision) -> Pane:
    plate = lightbox().plate(decision)
    has_all = (plate.height, plate.width) == plate.size
    full = "" if has_all else widgets.full_pictures().levels_at(decision)
    return replace(bare, plate=plate, full=full, spacing=showing.spacing_of(image.meta))


@st.fragment(run_every=0.7)
def _come_back(decision: StoredDecision) -> None:
    """Draw the page again once the heat map is there."""
    if lightbox().has_heat(decision):
        widgets.draw_anew()


def lightbox() -> Lightbox:
    """Return what works out the pictures, opened once a process."""
    opened: Lightbox = _lightbox(widgets.session())
    return opened


@st.cache_resource(on_release=Lightbox.close, show_spinner=False)
def _lightbox(_session: ReviewSession) -> Lightbox:
    return Lightbox(_session, entry_of("xray"))


def warm_up() -> None:
    """Start the process that reads the pictures, where a case waits that it will be asked for."""
    if next_case(widgets.session().store, "xray") is not None:
        lightbox()


def prepare(images: Sequence[CaseImage], *, heat: bool) -> None:
    """Begin to work out the pictures of images that are on the screen, or come next."""
    for image in images:
        if image.decision is not None and image.decision.sha256:
            lightbox().prepare(image.decision, heat=heat)
