"""The part of the board that changes slowly: certificate, rates, charts, what waits for persons."""

from __future__ import annotations

from html import escape
from pathlib import Path
from threading import Thread

import streamlit as st

from core.decision.rate import percent_range, percentage
from core.errors import AssayError
from core.records import deployments
from core.service.review import review
from core.service.review.in_use import InUse
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from domains.parts import pack
from domains.parts.pages import chart
from domains.parts.pages.figures import score_figure, share_figure
from domains.parts.station.board.baseline import FEWEST, accept_baseline
from domains.parts.station.board.board import (
    NOT_DEPLOYED,
    CertificateLine,
    RateLine,
    certificate_lines,
)
from domains.parts.station.board.charts import ChartView, newest_marks
from domains.parts.station.board.data import BoardReader, DayView, LiveView
from domains.parts.station.records.overrides import OverrideKind

EVERY_S = 2.0
_STYLE = (Path(__file__).parent / "day.css").read_text()


def show(session: ReviewSession, reader: BoardReader) -> None:
    """Draw it, and keep it up to date."""
    st.html(f"<style>{_STYLE}</style>")

    @st.fragment(run_every=EVERY_S)
    def follow() -> None:
        try:
            live, day = reader.live(), reader.day()
        except AssayError as exc:
            widgets.error(exc)
            return
        st.html(_certificates_html(_certificates(session, live)))
        with st.container(key="board-day"):
            numbers, shares, scores = st.columns([1, 1.15, 1.15], gap="medium")
        with numbers:
            _numbers(day)
        with shares:
            _chart("Share rejected", day.shares, "shares")
        with scores:
            _chart("Level of the score", day.scores, "scores")

    follow()
    with st.expander("Baseline of the charts"):
        widgets.text(
            "The limits come from parts that somebody has looked at and accepted: the last ones "
            "that the charts show, if the line ran well."
        )
        st.button(
            "Accept the parts shown as the baseline",
            key="baseline",
            disabled=not widgets.reviewer(),
            on_click=_accept,
            args=(reader,),
        )


def _accept(reader: BoardReader) -> None:
    try:
        parts = reader.day().charted
        accept_baseline(reader.store, reader.station, parts, who=widgets.reviewer())
        line = f"The baseline are parts {parts[0].trigger.number} to {parts[-1].trigger.number}."
    except AssayError as exc:
        line = str(exc)
    st.toast(present.escape_markdown(line))


def _numbers(day: DayView) -> None:
    st.html(_rates_html(day.rates))
    widgets.text(day.challenge)
    widgets.text(f"Waiting: {day.backlog}.")
    released = sum(one.kind is not OverrideKind.REJECT for one in day.overrides)
    widgets.text(
        f"Overrides today: {released} of {len(day.overrides)} released. "
        f"Missed triggers since the start: {day.missed}."
    )
    for who, is_released in day.answers:
        if is_released:
            widgets.text(f"{who} released a part known to be bad: look again.", "error")


def _rates_html(rates: list[RateLine]) -> str:
    n = rates[0].rate.n
    rows = "".join(
        f'<span class="{escape(one.name.lower())}">{escape(one.name)}</span>'
        f"<b>{one.rate.k:,}</b><span>{_rate_text(one)}</span>"
        for one in rates
    )
    return (
        f'<div class="assay-heading">Today: {n:,} parts, with 95 % intervals</div>'
        f'<div class="board-rates">{rows}</div>'
    )


def _rate_text(one: RateLine) -> str:
    if not one.rate.n:
        return "none seen"
    return escape(f"{percentage(one.rate.value)} ({percent_range(one.rate.low, one.rate.high)})")


def _certificates_html(lines: list[CertificateLine]) -> str:
    boxes = "".join(
        f'<div class="{"yes" if one.is_certified else "no"}">'
        f"{'✓' if one.is_certified else '!'} {escape(one.brief)}"
        f"<small>{escape(one.sentence)}</small></div>"
        for one in lines
    )
    return f'<div class="board-certificates">{boxes}</div>'


def _chart(title: str, view: ChartView | None, key: str) -> None:
    widgets.text(title, "heading")
    if view is None:
        widgets.text(f"Not enough parts yet: a baseline takes {FEWEST}.", "quiet")
        return
    figure = share_figure(view) if key == "shares" else score_figure(view)
    chart.show(figure, key, title)
    for line in newest_marks(view, most=2):
        widgets.text(line)
    widgets.text(view.note, "quiet")


def _certificates(session: ReviewSession, live: LiveView) -> list[CertificateLine]:
    product = live.recipe.product if live.recipe else _last_product(live)
    found = deployments.newest(session.store, pack.name, product)
    found = found or deployments.newest(session.store, pack.name, "")
    if found is None:
        return [NOT_DEPLOYED]
    used = InUse(found.bundle, found.bundle_sha256, found.policy_id)
    if not session.explainer.has_tried(used.bundle_sha256):
        _open_beside(session, used.bundle_sha256)
        return [CertificateLine(False, "Reading the certificate …", used.bundle)]
    try:
        policy = review.judged_by(session.explainer, used)
    except AssayError as exc:
        return [CertificateLine(False, "NOT CERTIFIED: the bundle cannot be read", exc.message)]
    return certificate_lines(pack, policy, live.recipe)


def _last_product(live: LiveView) -> str:
    return live.newest.product if live.newest else ""


@st.cache_resource(max_entries=16, show_spinner=False)
def _open_beside(_session: ReviewSession, sha256: str) -> Thread:
    """Return the thread that opens a bundle, once: it takes seconds."""
    thread = Thread(target=_try_to_open, args=(_session, sha256), name="open bundle", daemon=True)
    thread.start()
    return thread


def _try_to_open(session: ReviewSession, sha256: str) -> None:
    try:
        session.explainer.bundle(sha256)
    except AssayError:
        return  # found again, and shown, by whoever asks for its policy
