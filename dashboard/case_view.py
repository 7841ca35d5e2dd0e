"""What a case looks like: its pictures, its verdict with the evidence, what happened to it."""

from __future__ import annotations

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.records.cases import CaseDetail, CaseImage
from core.records.values import StoredDecision
from core.service.review import review
from core.service.review.review import ReviewSession
from core.service.summaries import summarise_policy
from core.types import Policy
from dashboard import other_reads, present, viewer, widgets
from dashboard.names import names_of
from dashboard.overlay import ColourPicture, KnownCase, Shown
from dashboard.present.keys import VIEWER_ACTIONS
from dashboard.review_keys import ReviewKeys
from dashboard.verdict_html import known_case_html, labels_html, verdict_html
from dashboard.viewer import Pane, ViewerSettings

_VIEWER = [one.name for one in VIEWER_ACTIONS]


def draw_pictures(
    session: ReviewSession,
    keys: ReviewKeys,
    detail: CaseDetail,
    chosen: CaseImage,
    following: CaseDetail | None,
    is_blind: bool,
) -> bool:
    """Return whether the chosen picture of a case can be seen, having drawn all of them.

    Args:
        session: The open store.
        keys: The keys of the page.
        detail: The case.
        chosen: Which of its images is shown large.
        following: The case that comes next, whose picture the browser fetches ahead of time.
        is_blind: Whether nothing of the verdict may be shown.
    """
    name, line = st.columns([1, 1.6], vertical_alignment="center")
    with name:
        widgets.heading(present.name_case(detail))
    with line:
        widgets.text(present.describe_image(detail, chosen), "quiet")
    picture = _picture_of(chosen.decision)
    if isinstance(picture, AssayError):
        widgets.error(picture)
    else:
        # What comes later stands below the picture, which so stays where it is.
        above, below = st.container(), st.container()
        with below:
            explained = None if is_blind else _explained(keys.pack, chosen.decision)
        with above:
            _viewer(session, keys, detail, chosen, picture, explained, following)
    if len(detail.images) > 1:
        _strip(keys, detail, chosen, is_blind)
    return not isinstance(picture, AssayError)


def draw_facts(
    session: ReviewSession,
    pack: DomainPack,
    detail: CaseDetail,
    chosen: CaseImage,
    is_blind: bool,
    verdict: st.delta_generator.DeltaGenerator,
    facts: st.delta_generator.DeltaGenerator,
) -> None:
    """Draw an image's verdict with its reasons and certificate, and the case's history."""
    with verdict:
        other_reads.draw_notes(pack, detail)
    if is_blind:
        with verdict:
            widgets.text(present.BLIND_NOTE)
        return
    names = names_of(session.store, {one.reviewer for one in detail.reviews})
    if standing := present.describe_standing(detail, pack, names):
        with verdict:
            widgets.text(standing, "heading")
    if chosen.decision is not None:
        _verdict(session, pack, chosen.decision, verdict, facts)
    with facts, st.expander("History"):
        for when, mark, text in present.list_history(detail, pack, names):
            widgets.history_line(when, mark, text)


def prepare(image: CaseImage) -> None:
    """Begin to work out the pictures of an image that will be asked for soon."""
    if image.decision is not None:
        widgets.pictures().prepare(image.decision)


def _picture_of(decision: StoredDecision | None) -> ColourPicture | AssayError:
    if decision is None:
        return AssayError("This image has not been assessed.", hint="`assay assess` assesses it.")
    try:
        return widgets.pictures().colours(decision)
    except AssayError as exc:
        return exc


def _explained(pack: DomainPack, decision: StoredDecision | None) -> Shown | None:
    if decision is None:
        return None
    try:
        explained = widgets.pictures().explained(decision)
    except AssayError as exc:
        widgets.error(exc)
        return None
    if explained is None:
        widgets.text("The heat map and the nearest known cases are being worked out …", "quiet")
        _come_back(decision)
        return None
    widgets.text(present.describe_heat_map(pack), "quiet")
    _known_cases(explained.known)
    return explained


@st.fragment(run_every=0.7)
def _come_back(decision: StoredDecision) -> None:
    """Draw the page again once the explanation is ready."""
    if widgets.pictures().is_explained(decision):
        widgets.draw_anew()


def _viewer(
    session: ReviewSession,
    keys: ReviewKeys,
    detail: CaseDetail,
    chosen: CaseImage,
    picture: ColourPicture,
    explained: Shown | None,
    following: CaseDetail | None,
) -> None:
    full = widgets.full_pictures()
    pane = Pane(
        chosen.id,
        present.display_name(chosen.name),
        "",
        "",
        picture,
        heat=explained.heat_map if explained else None,
        full=full.colours_at(chosen.decision) if chosen.decision else "",
    )
    ahead = present.select_image(following.images, "").decision if following else None
    settings = ViewerSettings(
        keys.page, shows_heat=True, keys=keys.key_map(session).by_key(_VIEWER)
    )
    addresses = [full.colours_at(ahead)] if ahead is not None and ahead.sha256 else []
    viewer.show(present.make_view_id(detail.item), [pane], settings, addresses)


def _strip(keys: ReviewKeys, detail: CaseDetail, chosen: CaseImage, is_blind: bool) -> None:
    """Show every image of the case small, the worst first, each with the key that enlarges it."""
    images = present.sort_worst_first(detail.images)
    row = st.container(horizontal=True, gap="small")
    for number, image in enumerate(images, 1):
        with row.container(width=104, gap=None):
            picture = _picture_of(image.decision)
            if isinstance(picture, AssayError):
                widgets.text("no picture", "error")
            else:
                opens = widgets.enlarge(image.decision) if image.decision else None
                widgets.picture(picture.jpeg, f"Image {number} of the case, small", "104px", opens)
            widgets.text("" if is_blind else present.summarize_verdict(image.decision), "quiet")
            st.button(
                str(number),
                key=f"pick-{number}-{image.id}",
                type="primary" if image.id == chosen.id else "secondary",
                width="stretch",
                on_click=keys.choose_image,
                args=(image.id,),
            )


def _known_cases(known: tuple[KnownCase, ...]) -> None:
    widgets.text("Nearest known cases, and how far they are", "quiet")
    # Side by side on a telephone too, where columns would push the verdicts far below.
    row = st.container(horizontal=True, gap="small")
    for one in known:
        with row.container(width=112, gap=None):
            if one.jpeg:
                widgets.picture(one.jpeg, f"Known case labelled {one.label}", height="112px")
            widgets.html(known_case_html(one))


def _verdict(
    session: ReviewSession,
    pack: DomainPack,
    decision: StoredDecision,
    verdict: st.delta_generator.DeltaGenerator,
    facts: st.delta_generator.DeltaGenerator,
) -> None:
    policy = _policy_of(session, decision, facts)
    with verdict:
        widgets.html(verdict_html(decision, pack.wording, policy))
        ranked, left_out = present.rank_labels(decision)
        if ranked:
            widgets.html(labels_html(ranked, left_out))
    with facts:
        widgets.text("Why it is here", "heading")
        for sentence in present.explain_verdict(decision, policy):
            widgets.text(sentence)
        if policy is not None:
            with st.expander("Certificate"):
                widgets.text(f"{decision.bundle}, policy {decision.policy_id}", "quiet")
                for sentence in summarise_policy(pack, policy):
                    widgets.text(sentence)


def _policy_of(
    session: ReviewSession,
    decision: StoredDecision,
    facts: st.delta_generator.DeltaGenerator,
) -> Policy | None:
    """Return the policy of a verdict; None while its bundle is not open: drawn again when it is."""
    if not session.explainer.has_tried(decision.bundle_sha256):
        return None
    try:
        return review.judged_by(session.explainer, decision)
    except AssayError as exc:
        with facts:
            widgets.error(exc)
        return None
