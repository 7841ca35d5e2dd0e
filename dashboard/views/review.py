"""The queue: worst first, one case at a time, one key a verdict."""

from __future__ import annotations

from datetime import datetime
from functools import partial

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.records.case_status import QueueState
from core.records.cases import CaseDetail, CaseImage, Counts
from core.records.values import StoredDecision
from core.records.worklist import counts
from core.service.review import review
from core.service.review.review import ReviewSession
from dashboard import other_reads, present, widgets
from dashboard.overlay import KnownCase, Shown
from dashboard.review_keys import NOTHING, ReviewKeys, label_ticks

KEYS = ("Skip", "S", "Comes back when the others are done."), ("Note", "N")

state = st.session_state


def render() -> None:
    """Show the next case, or say that nothing waits."""
    session, pack = widgets.session(), widgets.current_pack()
    if pack.has_own_review:
        widgets.link_to_own_page(pack)
        return
    session.explainer.start(pack.name)
    keys = ReviewKeys(
        "review", pack, (QueueState.WAITING,), present.assign_verdict_keys(pack.wording), *KEYS
    )
    next_case = other_reads.unclaimed(
        session, partial(review.next_case, session.store, pack.name), [pack.name]
    )
    detail = other_reads.serve(session, [pack.name], keys.current(session, next_case))
    view_id = present.make_view_id(detail.item) if detail else NOTHING
    with st.container(key="assay-case"), widgets.part_of(view_id):
        if detail is None:
            _nothing(session, pack, keys)
            pictures = 0
        else:
            pictures = int(_case(session, pack, keys, detail))
    keys.arm(view_id, pictures)
    if detail is not None:
        # Last, since it may open a bundle.
        _prepare(present.select_image(detail.images, keys.image()))
        # The next one's pictures are prepared while the person looks at this one.
        following = keys.following(session, next_case, detail.item)
        for image in following.images if following else ():
            _prepare(image)


def _nothing(session: ReviewSession, pack: DomainPack, keys: ReviewKeys) -> None:
    left, right = st.columns([2.2, 1], gap="large")
    with left:
        home = session.settings.home
        widgets.text(
            present.describe_empty_queue(pack, counts(session.store, pack.name), home), "big"
        )
    with right:
        _progress(session, pack, waits=True)
        keys.undo_button(session, NOTHING)


def _case(session: ReviewSession, pack: DomainPack, keys: ReviewKeys, detail: CaseDetail) -> bool:
    """Return whether the picture of the case that is drawn can be seen."""
    left, right = st.columns([2.2, 1], gap="large")
    with right:
        _progress(session, pack, waits=False)
        verdict, buttons, reasons = st.container(), st.container(), st.container()
    with verdict:
        other_reads.draw_notes(pack, detail)
    chosen = present.select_image(detail.images, keys.image())
    blind = present.is_blind(detail)
    with left:
        has_picture = _images(pack, keys, detail, chosen, blind)
    if chosen.decision is not None:
        _verdict(session, pack, chosen.decision, blind, verdict, reasons)
    with buttons:
        keys.draw(session, detail, has_picture=has_picture)
        if chosen.decision is not None:
            label_ticks(detail.item, chosen.decision.classes)
    return has_picture


@st.fragment(run_every=widgets.FOLLOW_S)
def _progress(session: ReviewSession, pack: DomainPack, *, waits: bool) -> None:
    """Show how far the work is, and draw the page anew once there is a case for who waits."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    counted, today = _counted(session, pack.name, widgets.head_of(session), midnight)
    widgets.text(present.describe_progress(counted, today), "quiet")
    if waits and any(counted.waiting.values()):
        st.rerun()


@st.cache_resource(max_entries=8, show_spinner=False)
def _counted(
    _session: ReviewSession, pack: str, head: str, midnight: datetime
) -> tuple[Counts, int]:
    del head  # whatever is written to the store changes it
    return counts(_session.store, pack), review.done_since(_session.store, pack, midnight)


def _images(
    pack: DomainPack, keys: ReviewKeys, detail: CaseDetail, chosen: CaseImage, blind: bool
) -> bool:
    name, line = st.columns([1, 1.6], vertical_alignment="center")
    with name:
        widgets.text(present.name_case(detail), "title")
    with line:
        widgets.text(present.describe_image(detail, chosen), "quiet")
    picture = _picture_of(chosen.decision)
    if isinstance(picture, AssayError):
        widgets.error(picture)
    else:
        _picture(pack, chosen, picture, blind)
    if len(detail.images) > 1:
        _strip(keys, detail, chosen, blind)
    return not isinstance(picture, AssayError)


def _picture_of(decision: StoredDecision | None) -> bytes | AssayError:
    if decision is None:
        return AssayError("This image has not been assessed.", hint="`assay assess` assesses it.")
    try:
        return widgets.pictures().of(decision)
    except AssayError as exc:
        return exc


def _picture(pack: DomainPack, image: CaseImage, picture: bytes, blind: bool) -> None:
    alt = f"Picture {present.display_name(image.name)}"
    decision = image.decision
    if blind or decision is None:
        widgets.picture(picture, alt)
        return
    try:
        explained = widgets.pictures().explained(decision)
    except AssayError as exc:
        widgets.picture(picture, alt)
        widgets.error(exc)
        return
    if explained is None:
        widgets.picture(picture, alt)
        widgets.text("The heat map and the nearest known cases are being worked out …", "quiet")
        _come_back(decision)
        return
    _explained(pack, picture, alt, explained)


def _explained(pack: DomainPack, picture: bytes, alt: str, explained: Shown) -> None:
    if _heat_is_on():
        plain, heat = st.columns(2, gap="small")
        with plain:
            widgets.picture(picture, alt)
        with heat:
            widgets.picture(explained.heat, f"{alt} with its heat map")
    else:
        widgets.picture(picture, alt)
    legend, switch = st.columns([3, 1], vertical_alignment="center")
    with legend:
        widgets.text(present.describe_heat_map(pack) if _heat_is_on() else "", "quiet")
    with switch:
        word = "Hide heat map" if _heat_is_on() else "Show heat map"
        st.button(word, key="heat", shortcut="H", type="tertiary", on_click=_toggle_heat)
    _known_cases(explained.known)


@st.fragment(run_every=0.7)
def _come_back(decision: StoredDecision) -> None:
    """Draw the page again once the explanation is ready."""
    if widgets.pictures().is_explained(decision):
        st.rerun()


def _heat_is_on() -> bool:
    return bool(state.get("heat_on", True))


def _toggle_heat() -> None:
    state["heat_on"] = not _heat_is_on()


def _strip(keys: ReviewKeys, detail: CaseDetail, chosen: CaseImage, blind: bool) -> None:
    """Show every image of the case small, the worst first, each with the key that enlarges it."""
    images = present.sort_worst_first(detail.images)
    row = st.container(horizontal=True, gap="small")
    for number, image in enumerate(images, 1):
        with row.container(width=104, gap=None):
            picture = _picture_of(image.decision)
            if isinstance(picture, AssayError):
                widgets.text("no picture", "error")
            else:
                widgets.picture(picture, f"Image {number} of the case, small", height="104px")
            widgets.text("" if blind else present.summarize_verdict(image.decision), "quiet")
            st.button(
                str(number),
                key=f"image-{image.id}",
                shortcut=str(number) if number < 7 else None,
                type="primary" if image.id == chosen.id else "secondary",
                width="stretch",
                on_click=keys.choose_image,
                args=(image.id,),
            )


def _known_cases(known: tuple[KnownCase, ...]) -> None:
    widgets.text("Nearest known cases, and how far they are", "quiet")
    for column, one in zip(st.columns(max(len(known), 1)), known, strict=False):
        with column:
            if one.jpeg:
                widgets.picture(one.jpeg, f"Known case labelled {one.label}", height="112px")
            widgets.known_case(one)


def _verdict(
    session: ReviewSession,
    pack: DomainPack,
    decision: StoredDecision,
    blind: bool,
    verdict: st.delta_generator.DeltaGenerator,
    reasons: st.delta_generator.DeltaGenerator,
) -> None:
    if blind:
        with verdict:
            widgets.text(present.BLIND_NOTE)
        return
    policy = None
    if session.explainer.has_tried(
        decision.bundle_sha256
    ):  # else drawn once more when that is done
        try:
            policy = review.judged_by(session.explainer, decision)
        except AssayError as exc:
            with reasons:
                widgets.error(exc)
    with verdict:
        widgets.html(widgets.verdict_html(decision, pack.wording, policy))
        ranked, left_out = present.rank_labels(decision)
        if ranked:
            widgets.html(widgets.labels_html(ranked, left_out))
    with reasons:
        widgets.text("Why it is here", "heading")
        for sentence in present.explain_verdict(decision, policy):
            widgets.text(sentence)


def _prepare(image: CaseImage) -> None:
    if image.decision is not None:
        widgets.pictures().prepare(image.decision)


render()
