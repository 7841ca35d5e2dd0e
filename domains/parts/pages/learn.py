"""Learning at the station: good parts shown, looked at, learned and deployed.

The work itself is a job beside the line. What a page shows of it stands in the store and in the
station's folder, so that every browser shows the same and a reload loses nothing.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.records.failed_jobs import JobStatus
from core.records.job import State
from core.service.review.review import ReviewSession
from dashboard import widgets
from domains.parts.pages import (
    certificates,
    learn_choice,
    learn_jobs,
    learn_sources,
    station_choice,
)
from domains.parts.station.board.status_file import ShownRecipe, read_status, status_path
from domains.parts.station.learning.asking import LEARN, LOOK, LearnSpec, status_of
from domains.parts.station.learning.folder import GOOD, LearningPlace, place_of
from domains.parts.station.learning.named_defects import NamedDefect, named_defects
from domains.parts.station.recipe import Recipe, StationFile, kept_station

_STYLE = (Path(__file__).parent / "learn.css").read_text()


def render() -> None:
    """Show how the learning of a recipe stands."""
    session = widgets.session()
    st.html(f"<style>{_STYLE}</style>")
    name = station_choice.choose(session.settings.home)
    if name is None:
        return
    station = kept_station(session.settings.home, name)
    recipe = _recipe(station)
    place = place_of(session.settings.home, station, recipe)
    shown = _shown_recipe(session, name, recipe)
    certificates.follow(session, recipe.product, shown)
    jobs = {kind: status_of(session.store, kind, name, recipe.number) for kind in (LOOK, LEARN)}
    under_way = [one for one in jobs.values() if one is not None and learn_jobs.is_open(one)]
    if under_way:
        learn_jobs.follow(session, under_way[0])
        return
    _steps(session, station, recipe, place, jobs)


def _steps(
    session: ReviewSession,
    station: StationFile,
    recipe: Recipe,
    place: LearningPlace,
    jobs: dict[str, JobStatus | None],
) -> None:
    looked, learned = jobs[LOOK], jobs[LEARN]
    if refusal := widgets.why_not(Role.LEAD):
        widgets.text(refusal)
    if looked is not None and looked.state is State.DONE and place.incoming.pictures():
        learn_choice.choose(session, station.name, recipe, place, looked)
        return
    learn_jobs.show_problem(looked)
    learn_jobs.show_problem(learned)
    good, defects = st.columns([1.6, 1], gap="large")
    with good:
        learn_sources.collect(session, station.name, recipe)
    with defects:
        _learned(place)
        _defects(session, station.name, recipe, place)
        learn_jobs.show_result(learned)


def _recipe(station: StationFile) -> Recipe:
    if len(station.recipes) == 1:
        return station.recipes[0]
    return st.selectbox(
        "Recipe", station.recipes, format_func=lambda one: f"{one.number}: {one.product}"
    )


def _shown_recipe(session: ReviewSession, station: str, recipe: Recipe) -> ShownRecipe | None:
    status = read_status(status_path(session.settings.home, station))
    recipes = status.recipes if status else ()
    return next((one for one in recipes if one.number == recipe.number), None)


def _learned(place: LearningPlace) -> None:
    widgets.text("Learned so far", "heading")
    groups = {label: len(found) for label, found in place.data.groups().items()}
    good = groups.pop(GOOD, 0)
    widgets.text(f"{good} good parts" if good else "Nothing yet: show good parts first.")
    for label, count in groups.items():
        widgets.text(f"{label}: {count}")


def _defects(session: ReviewSession, station: str, recipe: Recipe, place: LearningPlace) -> None:
    """Offer what persons named on the board and what is not learned yet."""
    widgets.text("Defects named on the board", "heading")
    groups = place.data.groups()
    found = named_defects(session.store, station, recipe, set().union(*groups.values()))
    if not found:
        widgets.text("None waits. Tap a part on the board and name its defect.", "quiet")
        return
    for label in dict.fromkeys(one.label for one in found):
        numbers = ", ".join(str(one.number) for one in found if one.label == label)
        widgets.text(f"{label}: part {numbers}")
    st.button(
        f"Learn {len(found)} defect{'' if len(found) == 1 else 's'}",
        key="learn-defects",
        type="primary",
        disabled=not widgets.person().may(Role.LEAD) or GOOD not in groups,
        on_click=_learn_defects,
        args=(session, station, recipe, found),
    )


def _learn_defects(
    session: ReviewSession, station: str, recipe: Recipe, found: list[NamedDefect]
) -> None:
    spec = LearnSpec(station, recipe.number, station_choice.person(), defects=tuple(found))
    learn_jobs.ask_for(session, spec)


try:
    render()
except AssayError as failed:
    widgets.error(failed)
