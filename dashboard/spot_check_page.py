"""The spot check before many cases are confirmed: a random few, decided one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.people import Person
from core.records.cases import WorkItem
from core.records.worklist import case_detail
from core.service.review import review
from core.service.review.browse import lines_by_id
from core.service.review.review import ReviewSession
from core.service.review.spot_check import (
    SpotCheck,
    confirm,
    plan_spot_check,
    unfound_at_most,
)
from core.types import Disposition
from dashboard import present, widgets

state = st.session_state

_CHECK, _ANSWERS, _RESULT = "spot_check", "spot_answers", "spot_result"


def is_open() -> bool:
    """Return whether a spot check is under way, or its result still to be read."""
    return _CHECK in state or _RESULT in state


def begin(session: ReviewSession, case_ids: Sequence[str], by: Person) -> None:
    """Begin the spot check of some cases, or say why they cannot be confirmed."""
    if not case_ids:
        return
    try:
        lines = lines_by_id(session.store, case_ids, by)
        state[_CHECK] = plan_spot_check(lines, by, widgets.head_of(session))
        state[_ANSWERS] = {}
    except AssayError as exc:
        st.toast(present.escape_markdown(f"{exc.message} {exc.hint}"))


def render(session: ReviewSession, packs: Mapping[str, DomainPack]) -> None:
    """Show the next case of the sample, or what came of the check."""
    if _RESULT in state:
        widgets.text(str(state[_RESULT]), "big")
        st.button("Back to the list", key="spot_done", type="primary", on_click=_close)
        return
    check = cast("SpotCheck", state[_CHECK])
    pack = packs[check.items[0].pack]
    left = check.undecided(list(state[_ANSWERS]))
    number = len(check.sample) - len(left) + 1
    widgets.text(
        f"Spot check, {number} of {len(check.sample)}, drawn at random from the {len(check.items)} "
        "cases you selected. Judge the picture as if nobody had. One that you judge otherwise "
        "refuses the whole, and the others stay as they are.",
    )
    _case(session, pack, check, left[0])
    st.button("Cancel: confirm nothing", key="spot_cancel", type="tertiary", on_click=_close)


def _case(session: ReviewSession, pack: DomainPack, check: SpotCheck, item: WorkItem) -> None:
    detail = case_detail(session.store, item.case_id)
    widgets.text(present.name_case(detail), "title")
    row = st.container(horizontal=True, gap="small")
    has_picture = False
    for image in detail.images:
        with row.container(width="stretch" if len(detail.images) == 1 else 320):
            try:
                if image.decision is None:
                    raise AssayError("This image has not been assessed.")
                widgets.picture(
                    widgets.pictures().of(image.decision),
                    f"Picture {present.display_name(image.name)}",
                    enlarged=widgets.enlarge(image.decision),
                )
                has_picture = True
            except AssayError as exc:
                widgets.error(exc)
    buttons = st.container(horizontal=True, gap="small")
    for disposition in Disposition:
        word = pack.wording[disposition]
        is_judgeable = has_picture or disposition is Disposition.DEFER
        mark = present.verdict_mark(disposition, word)
        buttons.button(
            present.escape_markdown(str(mark)),
            key=f"spot-{disposition.value}-{item.case_id}",
            disabled=not is_judgeable,
            on_click=_answer,
            args=(session, check, item, disposition),
        )


def _answer(
    session: ReviewSession, check: SpotCheck, item: WorkItem, disposition: Disposition
) -> None:
    if _CHECK not in state or item.case_id in state[_ANSWERS]:
        return
    by = widgets.person()
    try:
        if not review.decide(session.store, item, disposition, by=by, comment="spot check"):
            _finish("One of the cases has changed since it was selected: nothing was confirmed.")
            return
        state[_ANSWERS][item.case_id] = disposition
        if disposition is not check.disposition:
            _finish(
                "You judged this one otherwise, so nothing else was confirmed. Your answers are "
                "kept; the other cases stay as they are. Decide them one by one in Review."
            )
        elif not check.undecided(list(state[_ANSWERS])):
            _confirm(session, check, by)
    except AssayError as exc:
        _finish(f"{exc.message} {exc.hint}")


def _confirm(session: ReviewSession, check: SpotCheck, by: Person) -> None:
    done = confirm(session.store, check, by)
    most = unfound_at_most(len(check.items), len(check.sample))
    text = (
        f"{done.written} cases confirmed. All {len(check.sample)} of the spot check agreed: at "
        f"95 % confidence you would judge at most {most} of the {len(check.items)} otherwise."
    )
    if done.changed:
        text += f" {done.changed} had changed since they were selected and were left as they are."
    _finish(text)


def _finish(text: str) -> None:
    state.pop(_CHECK, None)
    state.pop(_ANSWERS, None)
    state[_RESULT] = text
    state["cases_selection"] = state.get("cases_selection", 0) + 1


def _close() -> None:
    for name in (_CHECK, _ANSWERS, _RESULT):
        state.pop(name, None)
