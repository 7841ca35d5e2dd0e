"""The photos of a field: on the map, and one after the other, what to look at first on top."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from core.errors import AssayError
from core.records.failed_jobs import job_status
from core.records.store import decision
from core.service.intake.resumable import Batch
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import widgets
from dashboard.offered import OFFERS
from dashboard.present import VerdictMark, escape_markdown, verdict_mark
from domains.crops.fields.folder import FieldFolder
from domains.crops.fields.photo_job import RESULT, is_photo, job_id, submit
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import field_map, jobs
from domains.crops.photos.reasons import PhotoReason, sentence_of

_PAGE = 24
_ONE, _MANY = (
    N_("One photo or archive has arrived."),
    N_("{count} photos or archives have arrived."),
)
_LOOK = N_("Look at the photos")
_TITLE = N_("Where the photos were taken, north up")
_ALL, _SHOW, _MORE = N_("All"), N_("Show"), N_("More photos")
_UNFIT = N_("Cannot be judged")
_NO_BUNDLE = N_("No model is deployed for this crop: the photos were read, not judged.")
_NO_PLACE_ONE, _NO_PLACE = N_("One photo has no place."), N_("{count} photos have no place.")
_ORDER = {"positive": 0, "defer": 1, "": 2, "negative": 3}

Line = Mapping[str, Any]


def show(session: ReviewSession, field: FieldFolder, batch: Batch, language: Language) -> None:
    """Show the photos that were sent: ask for them to be looked at, or what came of it."""
    count = sum(is_photo(upload) for upload in batch.uploads())
    if not count:
        return
    number = 0
    last = None
    while found := job_status(session.store, job_id(field, number + 1)):
        last, number = found, number + 1
    if last is not None and jobs.is_open(last):
        jobs.follow(session, last, language)
        return
    if last is not None and last.problem:
        widgets.text(last.problem, "error")
    widgets.text(language.render(Sentence(_ONE, {"count": count}, plural=_MANY)))
    st.button(
        language.text(_LOOK),
        key="crops-look",
        type="primary",
        on_click=_submit,
        args=(session, field, number + 1),
    )
    if (field.folder / RESULT).exists():
        lines = json.loads((field.folder / RESULT).read_text(encoding="utf-8"))
        _results(session, field, lines, language)


def _submit(session: ReviewSession, field: FieldFolder, number: int) -> None:
    try:
        submit(session.store, field, number)
    except AssayError as exc:
        st.toast(escape_markdown(f"{exc.message} {exc.hint}"))


def _results(
    session: ReviewSession, field: FieldFolder, lines: Sequence[Line], language: Language
) -> None:
    ordered = sorted(lines, key=lambda line: _ORDER[_kind(line)])
    if not any(line["verdict"] for line in lines):
        widgets.text(language.text(_NO_BUNDLE), "quiet")
    _map(field, ordered, language)
    counted = Counter(_heading(line, language) for line in ordered)
    choices = [language.text(_ALL), *counted]
    chosen = st.radio(
        language.text(_SHOW),
        choices,
        format_func=lambda one: f"{one} ({counted.get(one, len(ordered))})",
        horizontal=True,
        key=f"crops-filter-{field.id}",
    )
    shown = [one for one in ordered if chosen in (choices[0], _heading(one, language))]
    most = st.session_state.setdefault(f"crops-most-{field.id}", _PAGE)
    _gallery(session, shown[:most], language)
    if len(shown) > most:
        st.button(
            language.text(_MORE),
            key="crops-more",
            on_click=st.session_state.update,
            args=({f"crops-most-{field.id}": most + _PAGE},),
        )


def _map(field: FieldFolder, lines: Sequence[Line], language: Language) -> None:
    placed = [line for line in lines if line["place"]]
    missing = len(lines) - len(placed)
    if placed:
        key = f"crops-photo-{field.id}"
        tapped = field_map.show(
            _points(field, placed),
            st.session_state.get(key, ""),
            language.text(_TITLE),
            language,
            "p",
        )
        if tapped is not None:
            st.session_state[key] = tapped
    if missing:
        sentence = Sentence(_NO_PLACE_ONE, {"count": missing}, plural=_NO_PLACE)
        widgets.text(language.render(sentence), "quiet")


def _points(field: FieldFolder, placed: Sequence[Line]) -> field_map.FieldMap:
    at = np.array([(one["place"]["longitude"], one["place"]["latitude"]) for one in placed])
    plane = field_map.Plane(float(np.median(at[:, 0])), float(np.median(at[:, 1])))
    metres = plane.place(at)
    points = tuple(
        field_map.Point(
            one["case"], float(x), float(y), _kind(one) or field_map.UNJUDGED, one["file"]
        )
        for one, (x, y) in zip(placed, metres, strict=True)
    )
    left, top = metres.min(0).tolist()
    width, height = np.ptp(metres, axis=0).tolist()
    return field_map.FieldMap(f"{field.id}-{len(placed)}", (left, top, width, height), (), points)


def _gallery(session: ReviewSession, lines: Sequence[Line], language: Language) -> None:
    cards = "".join(_card(session, line, language) for line in lines)
    widgets.html(f'<div class="crops-gallery">{cards}</div>')


def _card(session: ReviewSession, line: Line, language: Language) -> str:
    verdict = line["verdict"]
    picture = ""
    if verdict is not None:
        found = decision(session.store, verdict["decision"])
        address = OFFERS.put(f"crops {verdict['decision']}", partial(widgets.pictures().of, found))
        picture = f'<img loading="lazy" src="{address}" alt="{escape(line["file"])}">'
    words = [str(_mark(line, language)), *_sentences(line, language)]
    if verdict is not None and verdict["labels"]:
        words.insert(1, " / ".join(verdict["labels"]))
    texts = "".join(f"<p>{escape(word)}</p>" for word in words if word)
    kind = _kind(line) or field_map.UNJUDGED
    name = escape(line["file"])
    return f'<figure class="{kind}">{picture}<figcaption><b>{name}</b>{texts}</figcaption></figure>'


def _kind(line: Line) -> str:
    return str(line["verdict"]["disposition"]) if line["verdict"] else ""


def _mark(line: Line, language: Language) -> VerdictMark:
    kind = _kind(line)
    return verdict_mark(Disposition(kind) if kind else None, _heading(line, language))


def _heading(line: Line, language: Language) -> str:
    return str(line["verdict"]["wording"]) if line["verdict"] else language.text(_UNFIT)


def _sentences(line: Line, language: Language) -> list[str]:
    """Return what a person should know of a photo, in their language."""
    found = [*line["faults"], *([line["reason"]] if line["reason"] else [])]
    texts = [language.render(sentence_of(PhotoReason(one["code"]), one["values"])) for one in found]
    message = line["verdict"]["message"] if line["verdict"] else ""
    return [message, *texts]
