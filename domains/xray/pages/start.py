"""The frame of the worklist page: the words that stand on every screen, and which one is shown."""

from __future__ import annotations

import streamlit as st

from core.records import deployments, quarantine, queue
from core.records.case_list import ListedCase, list_cases
from core.records.deployment import Stage
from core.records.queue import ASSESS, State
from core.records.values import now
from core.service.review.autonomy import blocking_reason
from core.service.review.autonomy_text import NO_SITE
from core.service.review.reading_list import OPEN, ReadingList, reading_list, sites_of
from core.service.review.review import ReviewSession
from dashboard import address, widgets
from dashboard.views.autonomy import AutonomyView
from domains.xray import pack
from domains.xray.pages import panes, reading, received, worklist
from domains.xray.pages.keys import KEYS
from domains.xray.worklist import showing
from domains.xray.worklist.received import waiting_text
from domains.xray.worklist.rules import RULES

SCREENS = {"Worklist": "L", "Read": "O", "Stages": "G", "Received": "V"}
ALL_SITES = "all sites"

autonomy = AutonomyView(pack, RULES, panes.policy_of)

state = st.session_state


def render() -> None:
    """Show the chosen screen."""
    session = widgets.session()
    state.setdefault("xray_screen", "Worklist")
    if address.requested(KEYS.page, "case"):
        state["xray_screen"] = "Read"
    elif state["xray_screen"] != "Read":
        KEYS.name_in_address(None)
    _banner()
    head = widgets.head_of(session)
    cases = _cases(session, head)
    standing = deployments.by_product(session.store, pack.name)
    if state["xray_screen"] == "Stages":
        autonomy.render(session, sites_of(cases, RULES))
        return
    if state["xray_screen"] == "Received":
        received.render(session)
        return
    site = _site(sites_of(cases, RULES))
    state["xray_listed"] = (head, site, _found(session, head, site))
    found = state["xray_listed"][2]
    if state["xray_screen"] == "Worklist":
        _unjudged(session)
        worklist.render(found, session.settings.home)
        if found.shows_verdicts:
            widgets.text(autonomy.override_text(session, site), "quiet")
        widgets.follow(session, head)
    else:
        reading.render(session, found, standing, lambda: _newest(session, site))


def _found(session: ReviewSession, head: str, site: str | None) -> ReadingList:
    standing = deployments.by_product(session.store, pack.name)
    cases = _cases(session, head)
    return reading_list(cases, standing, RULES, now=now(), is_certified=_is_certified, site=site)


def _newest(session: ReviewSession, site: str | None) -> ReadingList:
    """Return the list as the store has it, worked out anew only where that has changed."""
    head = widgets.head_of(session)
    if state["xray_listed"][:2] != (head, site):
        state["xray_listed"] = (head, site, _found(session, head, site))
    found: ReadingList = state["xray_listed"][2]
    return found


def _banner() -> None:
    widgets.text(showing.BANNER, "quiet")
    row = st.container(horizontal=True, gap="small")
    for name, key in SCREENS.items():
        row.button(
            name,
            key=f"screen-{name}",
            shortcut=key,
            type="primary" if state["xray_screen"] == name else "secondary",
            on_click=_go,
            args=(name,),
        )


def _go(screen: str) -> None:
    state["xray_screen"] = screen


@st.cache_resource(max_entries=2, show_spinner="Reading the list …")
def _cases(_session: ReviewSession, head: str) -> list[ListedCase]:
    del head  # whatever is written to the store changes it
    return list_cases(_session.store, pack.name, OPEN)


def _site(sites: list[str]) -> str | None:
    """Return the site, asked for where there are several; the last choice stays with its cases."""
    if len(sites) < 2:
        return None
    choices = [None, *sites]
    last = state.get("xray_chosen_site")
    with st.sidebar:
        chosen: str | None = st.selectbox(
            "Site",
            choices,
            index=choices.index(last) if last in choices else 0,
            format_func=lambda site: ALL_SITES if site is None else site or NO_SITE,
        )
    state["xray_chosen_site"] = chosen
    return chosen


def _is_certified(case: ListedCase) -> bool:
    policy = panes.policy_of(case.bundle_sha256, case.policy_id)
    return not blocking_reason(pack, Stage.AUTOMATIC, policy)


def _unjudged(session: ReviewSession) -> None:
    found = queue.waiting(session.store)
    waiting = found.get((ASSESS, State.WAITING), 0) + found.get((ASSESS, State.LEASED), 0)
    if notice := showing.unjudged_text(waiting):
        widgets.text(notice, "error")
    if notice := waiting_text(len(quarantine.conflicts(session.store, pack.name))):
        widgets.text(notice, "error")


render()
