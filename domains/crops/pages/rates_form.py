"""Rates typed by the farmer, and the archive for the terminal."""

from __future__ import annotations

import streamlit as st

from core.errors import AssayError
from dashboard import widgets
from domains.crops.exports.prescription import Prescription, prescribe
from domains.crops.exports.rate_table_file import table_of
from domains.crops.exports.rates import HECTARE_M2, UNITS
from domains.crops.exports.write import TERMINALS, archive_of
from domains.crops.locale import N_, Language, Sentence
from domains.crops.survey.values import Survey

_FIGURES = {
    "act": N_("Where something is to be done"),
    "healthy": N_("Where it is healthy"),
    "default": N_("Where nobody knows"),
    "outside": N_("Outside the field"),
    "position_lost": N_("While the position is lost"),
    "minimum": N_("Smallest rate of the machine"),
    "maximum": N_("Largest rate of the machine"),
    "step": N_("Rates are multiples of (0: any)"),
}
_UNIT, _PRODUCT, _TERMINAL = N_("Unit"), N_("What is spread"), N_("Terminal")
_MAKE, _SAVE = N_("Make the prescription"), N_("Save it for the terminal")
_TOTAL = N_("{total} {quantity} on {hectares} ha.")
_ONE_DEFAULT = N_("{count} tile has the rate for where nobody knows.")
_DEFAULTS = N_("{count} tiles have the rate for where nobody knows.")
_ONE_ANSWERED = N_("{count} tile has the rate of a person's answer.")
_ANSWERED = N_("{count} tiles have the rate of a person's answer.")
_UNCERTIFIED = N_("Nothing is certified about these verdicts: the rates are yours alone.")


def show(survey: Survey, key: str, language: Language) -> None:
    """Ask for rates, and offer the archive that comes of them.

    Args:
        survey: What the rates are for, with what people answered.
        key: Names the place on the page.
        language: Of the page.
    """
    if not survey.is_certified:
        widgets.text(language.text(_UNCERTIFIED), "quiet")
    with st.form(f"crops-rates-{key}", border=False):
        left, right = st.columns(2)
        terminal = left.selectbox(language.text(_TERMINAL), TERMINALS)
        unit = right.selectbox(language.text(_UNIT), list(UNITS))
        given: dict[str, object] = {"unit": unit}
        given["product"] = left.text_input(language.text(_PRODUCT), max_chars=32)
        for number, (name, text) in enumerate(_FIGURES.items()):
            column = (right, left)[number % 2]
            given[name] = column.number_input(
                language.text(text), min_value=0.0, value=None, format="%.2f"
            )
        if st.form_submit_button(language.text(_MAKE), type="primary"):
            st.session_state[f"crops-given-{key}"] = (terminal, given)
    asked = st.session_state.get(f"crops-given-{key}")
    if asked is not None:
        terminal, given = asked
        try:
            prescription = prescribe(survey, table_of(given))
            _offer(prescription, terminal, key, language)
        except AssayError as exc:
            widgets.error(exc)


def _offer(prescription: Prescription, terminal: str, key: str, language: Language) -> None:
    archive = archive_of(prescription, terminal)
    for sentence in _sentences(prescription):
        widgets.text(language.render(sentence))
    st.download_button(
        language.text(_SAVE),
        archive,
        file_name=f"{terminal}.zip",
        mime="application/zip",
        key=f"crops-archive-{key}",
        type="primary",
    )


def _sentences(prescription: Prescription) -> list[Sentence]:
    area = sum(one.tile.area_m2 for one in prescription.tiles) / HECTARE_M2
    values: dict[str, str | int | float] = {
        "total": round(prescription.total, 2),
        "quantity": prescription.quantity,
        "hectares": round(area, 3),
    }
    sentences = [Sentence(_TOTAL, values)]
    if answered := prescription.answered:
        sentences.append(Sentence(_ONE_ANSWERED, {"count": answered}, plural=_ANSWERED))
    count = len(prescription.by_default)
    if count:
        sentences.append(Sentence(_ONE_DEFAULT, {"count": count}, plural=_DEFAULTS))
    return sentences
