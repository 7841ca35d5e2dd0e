"""The certificate line: what is certified of the product on the line, and what is not yet."""

from __future__ import annotations

from html import escape
from pathlib import Path
from threading import Thread

import streamlit as st

from core.errors import AssayError
from core.records import deployments
from core.service.review import review
from core.service.review.in_use import InUse
from core.service.review.review import ReviewSession
from domains.parts import pack
from domains.parts.station.board.board import NOT_DEPLOYED, CertificateLine, certificate_lines
from domains.parts.station.board.status_file import ShownRecipe

_STYLE = (Path(__file__).parent / "certificates.css").read_text()


EVERY_S = 2.0


def follow(session: ReviewSession, product: str, recipe: ShownRecipe | None) -> None:
    """Draw it, and keep it up to date."""
    st.fragment(draw, run_every=EVERY_S)(session, product, recipe)


def draw(session: ReviewSession, product: str, recipe: ShownRecipe | None) -> None:
    """Draw what is certified of a product by what judges it now.

    Args:
        session: The store, and what opens bundles.
        product: The product.
        recipe: How it is inspected; None while that is not known.
    """
    boxes = "".join(
        f'<div class="{"yes" if one.is_certified else "no"}">'
        f"{'✓' if one.is_certified else '!'} {escape(one.brief)}"
        f"<small>{escape(one.sentence)}</small></div>"
        for one in _lines(session, product, recipe)
    )
    st.html(f'<style>{_STYLE}</style><div class="board-certificates">{boxes}</div>')


def _lines(
    session: ReviewSession, product: str, recipe: ShownRecipe | None
) -> list[CertificateLine]:
    found = deployments.newest(session.store, pack.name, product)
    found = found or deployments.newest(session.store, pack.name, "")
    if found is None:
        return [NOT_DEPLOYED]
    used = InUse(found.bundle, found.bundle_sha256, found.policy_id)
    if not session.explainer.has_tried(used.bundle_sha256):
        _open_beside(session, used.bundle_sha256)
        return [CertificateLine(False, "Reading the certificate …", used.bundle)]
    try:
        policy = review.judged_by(session.explainer, used)
    except AssayError as exc:
        return [CertificateLine(False, "NOT CERTIFIED: the bundle cannot be read", exc.message)]
    return certificate_lines(pack, policy, recipe)


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_beside(_session: ReviewSession, sha256: str) -> Thread:
    """Return the thread that opens a bundle, once: it takes seconds."""
    thread = Thread(target=_try_to_open, args=(_session, sha256), name="open bundle", daemon=True)
    thread.start()
    return thread


def _try_to_open(session: ReviewSession, sha256: str) -> None:
    try:
        session.explainer.bundle(sha256)
    except AssayError:
        return  # found again, and shown, by whoever asks for its policy
