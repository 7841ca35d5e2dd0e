"""The part of the board that changes slowly: certificate, rates, charts, what waits for persons."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from core.decision.rate import percent_range, percentage
from core.errors import AssayError
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from domains.parts.pages import certificates, chart, station_choice
from domains.parts.pages.figures import score_figure, share_figure
from domains.parts.station.board.baseline import FEWEST, accept_baseline
from domains.parts.station.board.board import RateLine
from domains.parts.station.board.charts import ChartView, newest_marks
from domains.parts.station.board.data import BoardReader, DayView, LiveView
from domains.parts.station.records.overrides import OverrideKind

_STYLE = (Path(__file__).parent / "day.css").read_text()


def show(session: ReviewSession, reader: BoardReader) -> None:
    """Draw it, and keep it up to date."""
    st.html(f"<style>{_STYLE}</style>")

    @st.fragment(run_every=certificates.EVERY_S)
    def follow() -> None:
        try:
            live, day = reader.live(), reader.day()
        except AssayError as exc:
            widgets.error(exc)
            return
        certificates.draw(session, _product(live), live.recipe)
        for problem in live.status.problems if live.status and live.is_answering else ():
            widgets.text(problem)
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
        accept_baseline(reader.store, reader.station, parts, by=station_choice.person())
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


def _product(live: LiveView) -> str:
    if live.recipe is not None:
        return live.recipe.product
    return live.newest.product if live.newest else ""
