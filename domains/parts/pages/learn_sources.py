"""Where good parts come from: the line from now on, its last parts, or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.service.review.review import ReviewSession
from core.service.training.good_only import MIN_GROUPS
from dashboard import widgets
from dashboard.enlarge import Enlarged
from domains.parts.pages import learn_jobs, learn_pictures
from domains.parts.station.learning.asking import LookSpec
from domains.parts.station.learning.parts_shown import PartShown, last_part, parts_shown
from domains.parts.station.recipe import Recipe

ASKED = 20
MOST = 200
_EVERY_S = 1.0
_NOW, _LAST, _FOLDER = "Parts shown from now on", "The last parts", "A folder of pictures"

state = st.session_state


def collect(session: ReviewSession, station: str, recipe: Recipe) -> None:
    """Ask for good parts, and offer to look at them."""
    widgets.text(f"Good parts of {recipe.product}", "title")
    source = st.radio("Good parts come from", [_NOW, _LAST, _FOLDER], horizontal=True)
    if source == _FOLDER:
        _from_folder(session, station, recipe)
    elif source == _LAST:
        count = st.number_input("How many", MIN_GROUPS, MOST, ASKED, key="learn-last")
        _follow(session, station, recipe, after=0, limit=int(count))
    else:
        _from_now_on(session, station, recipe)
    widgets.text(
        f"{ASKED} are asked for, {MIN_GROUPS} are the fewest; from 19 on overkill is bounded at "
        "5 %. Those that look odd are shown before anything is learned.",
        "quiet",
    )


def _from_now_on(session: ReviewSession, station: str, recipe: Recipe) -> None:
    key = _since(LookSpec(station, recipe.number))
    begun = key in state

    def begin() -> None:
        state[key] = last_part(session.store, station)

    st.button("Begin anew" if begun else "Begin", key="learn-begin", on_click=begin)
    if begun:
        _follow(session, station, recipe, after=state[key], limit=MOST)
    else:
        widgets.text("Then show good parts as the line does, one after the other.")


def _follow(
    session: ReviewSession, station: str, recipe: Recipe, *, after: int, limit: int
) -> None:
    """Show the parts as they come, with what is wrong with those that cannot be learned from."""

    @st.fragment(run_every=_EVERY_S)
    def captured() -> None:
        parts = parts_shown(session.store, station, recipe, after=after, limit=limit)
        usable = [one for one in parts if not one.problem]
        st.html(_parts_html(session, parts, len(usable)))
        numbers = tuple(one.number for one in usable)
        _look_button(session, LookSpec(station, recipe.number, numbers=numbers), len(usable))

    captured()


def _from_folder(session: ReviewSession, station: str, recipe: Recipe) -> None:
    folder = st.text_input("Folder on this machine", key="learn-folder").strip()
    spec = LookSpec(station, recipe.number, Path(folder).expanduser())
    _look_button(session, spec, MIN_GROUPS if folder else 0)


def _look_button(session: ReviewSession, spec: LookSpec, count: int) -> None:
    if st.button(
        "Look at them",
        key="learn-look",
        type="primary",
        disabled=count < MIN_GROUPS or not widgets.reviewer(),
    ):
        learn_jobs.ask_for(session, spec)
        state.pop(_since(spec), None)
        st.rerun()


def _since(spec: LookSpec) -> str:
    return f"learn-since-{spec.station}-{spec.recipe}"


def _parts_html(session: ReviewSession, parts: Sequence[PartShown], usable: int) -> str:
    opens = Enlarged().attributes()
    items = "".join(
        f'<li><button type="button" class="assay-enlarge" title="Enlarge" {opens}>'
        f'<img alt="Picture of {escape(one.title)}" '
        f'src="{learn_pictures.kept(session, one.pictures[0])}"></button>'
        f"<span>{escape(one.title)}</span></li>"
        for one in parts
        if not one.problem
    )
    problems = "".join(
        f"<p>{escape(one.title)}: not captured. {escape(one.problem)}</p>"
        for one in parts
        if one.problem
    )
    return (
        f'<div class="learn-parts"><p class="count" role="status">{usable} of {ASKED} captured</p>'
        f'<ol aria-label="Captured parts, the newest first">{items}</ol>{problems}</div>'
    )
