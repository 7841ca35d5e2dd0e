"""A survey: the map, the zone or tile that was tapped, files, and a prescription."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.records.case_answers import CaseAnswer, case_answers
from core.records.case_status import QueueState
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import widgets
from dashboard.case_links import queue_link
from domains.crops.exports.areas import describe_area
from domains.crops.exports.layers import Positions
from domains.crops.exports.stored import read_survey
from domains.crops.exports.write import PAGES, TABLES, SurveyExport, export_one
from domains.crops.fields.folder import FieldFolder
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import downloads, field_map, rates_form, tile_card
from domains.crops.survey.answered import name_answers, with_answers
from domains.crops.survey.geojson import SUMMARY
from domains.crops.survey.tile_cases import MOST_ASKED
from domains.crops.survey.values import PersonAnswer, Survey, Zone

_ZONES = 12
_TITLE = N_("The field from above, north up")
_ONE = N_("One zone calls for action. Walk to zone 1 first.")
_MANY = N_("{count} zones call for action. Walk to zone 1 first.")
_NONE = N_("No zone calls for action.")
_ZONE = N_("Zone {number}")
_LEGEND = N_("Orange: act. Green: healthy. Hatched: a person decides. Grey: not judged.")
_AREA = N_("{area}, {low} % to {high} % of its tiles sick")
_LEGEND_ANSWERED = N_(
    "Orange: act. Green: healthy. Hatched: a person decides. Framed: a person has decided. Grey: "
    "not judged."
)
_WAITING_ONE = N_("One of {total} tiles waits for a person.")
_WAITING = N_("{count} of {total} tiles wait for a person.")
_ANSWER = N_("Answer them one after the other")
_NOT_ASKED_ONE = N_("One more tile needs a person; only the {most} most urgent are asked about.")
_NOT_ASKED = N_("{count} more tiles need a person; only the {most} most urgent are asked about.")
_WITHDRAWN_ONE = N_("One tile of an earlier survey, cut otherwise, waits no longer.")
_WITHDRAWN = N_("{count} tiles of an earlier survey, cut otherwise, wait no longer.")
_UNCERTIFIED = N_("Nothing is certified about these verdicts.")
_TERMINAL = N_("For the tractor")


def show(session: ReviewSession, folder: Path, field: FieldFolder, language: Language) -> None:
    """Show a survey.

    Args:
        session: The open store.
        folder: Where its files lie.
        field: The field that it is of.
        language: Of the page.

    Raises:
        DataError: The folder holds no survey that can be read.
    """
    key, stamp = folder.name, (folder / SUMMARY).stat().st_mtime_ns
    surveyed = _survey(str(folder), stamp)
    known = case_answers(session.store, [tile.case for tile in surveyed.tiles if tile.case])
    answers = tuple(sorted(name_answers(session.store, known).items()))
    survey, drawn = _answered(str(folder), stamp, answers, surveyed)
    acting = [zone for zone in survey.zones if zone.disposition is Disposition.POSITIVE]
    sentence = Sentence(_ONE, {"count": len(acting)}, plural=_MANY)
    widgets.text(language.render(sentence) if acting else language.text(_NONE), "big")
    _asked(survey, known, language)
    across, aside = st.columns([1.5, 1], gap="large")
    with across:
        tapped = field_map.show(
            drawn,
            st.session_state.get(f"crops-picked-{key}", ""),
            language.text(_TITLE),
            language,
            key,
        )
        if tapped is not None:
            st.session_state[f"crops-picked-{key}"] = tapped
        has_answers = any(tile.answer for tile in survey.tiles)
        widgets.text(language.text(_LEGEND_ANSWERED if has_answers else _LEGEND), "quiet")
    with aside:
        _picked(session, survey, st.session_state.get(f"crops-picked-{key}", ""), language)
        _zones(survey.zones[:_ZONES], language)
        for certificate in survey.certificates or (language.text(_UNCERTIFIED),):
            widgets.text(certificate, "quiet")
    _files(session, folder, field, language)
    with st.expander(language.text(_TERMINAL)):
        rates_form.show(survey, key, language)


@st.cache_resource(max_entries=8, show_spinner=False)
def _survey(folder: str, stamp: int) -> Survey:  # noqa: ARG001 - the stamp is part of the key
    return read_survey(Path(folder))


@st.cache_resource(max_entries=8, show_spinner=False)
def _answered(
    folder: str,  # noqa: ARG001 - part of the key
    stamp: int,  # noqa: ARG001 - the same
    answers: tuple[tuple[str, PersonAnswer], ...],
    _survey: Survey,
) -> tuple[Survey, field_map.FieldMap]:
    survey = with_answers(_survey, dict(answers))
    view = f"{survey.sha256}-{len(survey.tiles)}"
    return survey, field_map.map_of_survey(survey, view, _ZONES)


def _picked(session: ReviewSession, survey: Survey, picked: str, language: Language) -> None:
    if picked.isdigit() and int(picked) < len(survey.tiles):
        tile_card.draw(session, survey, survey.tiles[int(picked)], language)


def _asked(survey: Survey, known: Mapping[str, CaseAnswer], language: Language) -> None:
    """Say how many tiles wait for a person, and lead to them."""
    waiting = sum(one.queue_state is QueueState.WAITING for one in known.values())
    if waiting:
        values = {"count": waiting, "total": len(survey.tiles)}
        sentence = Sentence(_WAITING_ONE, values, plural=_WAITING)
        widgets.text(language.render(sentence))
        queue_link(tile_card.cases_of_survey(survey), language.text(_ANSWER))
    if survey.not_asked:
        values = {"count": survey.not_asked, "most": MOST_ASKED}
        sentence = Sentence(_NOT_ASKED_ONE, values, plural=_NOT_ASKED)
        widgets.text(language.render(sentence), "quiet")
    if survey.withdrawn:
        values = {"count": survey.withdrawn}
        sentence = Sentence(_WITHDRAWN_ONE, values, plural=_WITHDRAWN)
        widgets.text(language.render(sentence), "quiet")


def _zones(zones: Sequence[Zone], language: Language) -> None:
    rows = []
    for zone in zones:
        if zone.disposition is Disposition.NEGATIVE or zone.disposition is None:
            continue
        facts = Sentence(
            _AREA,
            {
                "area": describe_area(zone.area_m2, language),
                "low": round(100 * zone.lowest_share),
                "high": round(100 * zone.highest_share),
            },
        )
        name = language.render(Sentence(_ZONE, {"number": zone.number}))
        rows.append(f"<li><b>{escape(name)}</b> {escape(language.render(facts))}</li>")
    if rows:
        widgets.html(
            f'<ol class="crops-zones" style="list-style:none;padding:0">{"".join(rows)}</ol>'
        )


def _files(session: ReviewSession, folder: Path, field: FieldFolder, language: Language) -> None:
    def make(name: str, positions: Positions) -> bytes:
        spec = SurveyExport(folder, folder, (name,), positions, language.code)
        return export_one(spec, session.store)

    name = f"{field.id}-{folder.name}"
    downloads.offer((*PAGES, *TABLES), make, name, _SUFFIXES, language)


_SUFFIXES = {
    "report": ".html",
    "pdf": ".pdf",
    "geojson": ".zip",
    "gpkg": ".gpkg",
    "shapefile": ".zip",
    "csv": ".zip",
}
