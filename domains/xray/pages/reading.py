"""One case before the reader: its pictures, what was decided where that may be seen, the keys."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.records.case_headers import Headers
from core.records.case_list import alike
from core.records.cases import CaseDetail, CaseImage
from core.records.values import StoredDecision, now
from core.records.worklist import case_detail
from core.service.review.case_rules import header_value
from core.service.review.order import Rank
from core.service.review.reading_list import ReadingList, Releases, is_hidden
from core.service.review.review import ReviewSession
from dashboard import key_bridge, other_reads, present, viewer, widgets
from dashboard.present.keys import VIEWER_ACTIONS
from dashboard.review_keys import NOTHING
from dashboard.verdict_html import labels_html, verdict_html
from dashboard.viewer import ViewerSettings
from domains.xray import pack
from domains.xray.pages import keys, panes
from domains.xray.pages.keys import KEYS
from domains.xray.worklist import notices, showing
from domains.xray.worklist.history import earlier_studies
from domains.xray.worklist.persons import contradictions
from domains.xray.worklist.rules import RULES

MOST_COMPARED = 6
MOST_UNDER_ONE_NUMBER = 500


@dataclass(frozen=True, slots=True)
class ShownStudy:
    """A case as it is before the reader.

    Attributes:
        detail: The case.
        hidden: Whether its verdict is never shown to readers, by the stage released or since its
            pictures name different patients.
        covered: Whether its verdict stays covered until the reader has answered.
        contradicting: What its pictures contradict each other in as to whose they are.
    """

    detail: CaseDetail
    hidden: bool
    covered: bool
    contradicting: tuple[str, ...]


def render(
    session: ReviewSession,
    found: ReadingList,
    standing: Releases,
    newest: Callable[[], ReadingList],
) -> None:
    """Show the next case, or say that nothing waits.

    Args:
        session: The open store.
        found: The list that the case is read from.
        standing: The release that stands, by site.
        newest: Gives the list as the store has it by now.
    """
    key_bridge.hear_early_keys()
    next_case = other_reads.unclaimed(session, found.next_case, (pack.name,))
    detail = _served(session, found, KEYS.current(session, next_case))
    KEYS.name_in_address(detail)
    view_id = present.make_view_id(detail.item) if detail else NOTHING
    study = _shown_study(detail, standing) if detail else None
    with st.container(key="assay-case"), widgets.part_of(view_id):
        left, right = st.columns([2.7, 1], gap="medium")
        if study is None:
            with left:
                widgets.text(notices.nothing_text(session.settings.home), "big")
            with right:
                KEYS.undo_button(session, NOTHING)
                widgets.follow(session, widgets.head_of(session))
        else:
            _case(session, newest, study, left, right)
    KEYS.arm(session, detail, pictures=0 if study is None else 1)
    if study is not None:
        # Last, since it may open a bundle.
        panes.prepare(study.detail.images, heat=not study.covered)
        # The next one's pictures are worked out while the reader looks at this one.
        following = KEYS.following(session, next_case, study.detail.item)
        panes.prepare(following.images if following else (), heat=not study.covered)


def _served(
    session: ReviewSession, found: ReadingList, detail: CaseDetail | None
) -> CaseDetail | None:
    """Return the case to show: a second read may come before this one, but never before a STAT."""
    ranks = {line.case.item.case_id: line.rank for line in found.to_read}
    comes_first = detail is not None and (
        KEYS.is_asked_for(detail.item) or ranks.get(detail.item.case_id) is Rank.URGENT
    )
    return other_reads.serve(session, (pack.name,), detail, KEYS.lanes, comes_first=comes_first)


def _case(
    session: ReviewSession,
    newest: Callable[[], ReadingList],
    study: ShownStudy,
    left: st.delta_generator.DeltaGenerator,
    right: st.delta_generator.DeltaGenerator,
) -> None:
    with right, st.container(key="case-side"):
        _about(study.detail)
        _queue(newest, study.detail)
        other_reads.draw_notes(pack, study.detail)
        if study.contradicting:
            widgets.text(notices.contradiction_text(study.contradicting), "error")
        verdict, buttons, reasons = st.container(), st.container(), st.container()
    with left:
        has_picture = _pictures(session, study)
    _verdict(study, verdict, reasons)
    with buttons:
        keys.buttons(
            session,
            study.detail,
            covered=study.covered,
            hidden=study.hidden,
            has_picture=has_picture,
        )


def _shown_study(detail: CaseDetail, standing: Releases) -> ShownStudy:
    decision = deciding(detail)
    headers = tuple(image.meta for image in detail.images)
    contradicting = contradictions(_named(detail))
    released = not is_hidden(headers, decision.bundle if decision else "", standing, RULES)
    hidden = bool(contradicting) or present.is_blind(detail) or not released
    return ShownStudy(detail, hidden, hidden or KEYS.is_blind(detail.item), contradicting)


def _named(detail: CaseDetail) -> Headers:
    """Return the headers of the images that have one: a picture without any names nobody."""
    return tuple(image.meta for image in detail.images if image.meta)


def deciding(detail: CaseDetail) -> StoredDecision | None:
    """Return the decision that makes a case's verdict."""
    made = (image.decision for image in detail.images if image.decision)
    return next((one for one in made if one.id == detail.item.decision_id), None)


@st.fragment(run_every=widgets.FOLLOW_S)
def _queue(newest: Callable[[], ReadingList], detail: CaseDetail) -> None:
    """Say where the case stands by now and which STAT waits; the case itself stays as it is."""
    found = newest()
    with widgets.part_of(present.make_view_id(detail.item)):
        widgets.text(showing.queue_text(found, detail, now()), "quiet")
        if waiting := showing.stat_text(found, detail.item.case_id, now()):
            widgets.text(waiting, "error")


def _about(detail: CaseDetail) -> None:
    headers = tuple(image.meta for image in detail.images)
    if contradictions(_named(detail)):
        widgets.text(showing.patient_text(_named(detail)), "title")
    else:
        widgets.text(showing.name_text(headers) or present.name_case(detail), "title")
        widgets.text(showing.about_text(headers), "quiet")
    widgets.text(showing.study_text(headers), "quiet")


def _pictures(session: ReviewSession, study: ShownStudy) -> bool:
    """Return whether the picture to be judged is to be seen among those shown."""
    images = study.detail.images
    # The order received: the worst first would tell what is hidden.
    ordered = list(images) if study.covered else present.sort_worst_first(images)
    priors, left_out = _priors(session, study)
    others = [*ordered[1:], *priors][:MOST_COMPARED]
    compared = next((one for one in others if one.id == KEYS.image()), None)
    shown = [panes.pane(ordered[0], heat=not study.covered)]
    if compared is not None:
        shown.append(panes.pane(compared, heat=False))
    bound = KEYS.key_map(session).by_key([one.name for one in VIEWER_ACTIONS])
    settings = ViewerSettings(KEYS.page, shows_heat=False, keys=bound)
    viewer.show(present.make_view_id(study.detail.item), shown, settings)
    legend = "" if study.covered else f" · {showing.legend(pack.wording)}"
    widgets.text(viewer.HINT + legend, "quiet")
    if others:
        _choices(others, compared)
    if left_out:
        widgets.text(left_out, "quiet")
    return shown[0].plate is not None


def _choices(others: list[CaseImage], compared: CaseImage | None) -> None:
    with st.container(horizontal=True, gap="small"):
        for number, image in enumerate(others, 1):
            st.button(
                f"Compare: {present.escape_markdown(showing.image_text(image))}",
                key=f"pick-{number}-{image.id}",
                type="primary" if image is compared else "secondary",
                on_click=_choose,
                args=(image.id,),
            )


def _choose(image_id: str) -> None:
    KEYS.choose_image("" if KEYS.image() == image_id else image_id)


def _priors(session: ReviewSession, study: ShownStudy) -> tuple[list[CaseImage], str]:
    """Return the first images of the patient's earlier studies, and what is left out, in words."""
    if study.contradicting:
        return [], ""
    headers, own = _named(study.detail), study.detail.item
    number = header_value(headers, "patient_id")
    cases = alike(session.store, pack.name, "patient_id", number, most=MOST_UNDER_ONE_NUMBER)
    others = [one for one in cases if one.item.case_id != own.case_id]
    earlier = earlier_studies(headers, own.opened_at, others)
    shown = [one.item.case_id for one in earlier.studies[:MOST_COMPARED]]
    images = [case_detail(session.store, case_id).images[0] for case_id in shown]
    return images, notices.earlier_text(earlier)


def _verdict(
    study: ShownStudy,
    verdict: st.delta_generator.DeltaGenerator,
    reasons: st.delta_generator.DeltaGenerator,
) -> None:
    decision = deciding(study.detail)
    with verdict:
        if study.covered:
            widgets.text(showing.covered_text(hidden=study.hidden))
            return
        if decision is None:
            widgets.text("Not judged yet.")
            return
        policy = None
        if panes.lightbox().is_quick(decision.bundle_sha256):
            policy = panes.policy_of(decision.bundle_sha256, decision.policy_id)
        widgets.html(verdict_html(decision, pack.wording, policy))
        chances, left_out = present.rank_labels(decision)
        if chances:
            widgets.html(labels_html(chances, left_out))
    with reasons:
        for sentence in present.explain_verdict(decision, policy):
            widgets.text(sentence)
