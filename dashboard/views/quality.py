"""How good the verdicts are, and what other limits would have made of past cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.decision.back_test import PastVerdicts
from core.decision.subgroups import rates_by
from core.errors import AssayError
from core.packs import DomainPack
from core.records.case_columns import read_columns
from core.records.past_window import MOST, PastWindow, read_window
from core.records.picture_origins import times_compared
from core.service.quality.what_if import cases_behind
from core.service.review import review
from core.service.review.in_use import InUse, products_in_use
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import present, probability_panel, quality_figures, widgets
from dashboard.case_links import case_links
from dashboard.present import quality, what_if
from dashboard.product_choice import choose_product
from dashboard.what_if_panel import WhatIfPanel

WEEKS = (1, 2, 4, 8, 13, 26, 52)


def render() -> None:
    """Show one product's figures."""
    session, pack = widgets.session(), widgets.current_pack()
    in_use = products_in_use(session.store, pack.name)
    if not in_use:
        widgets.text(
            f"Nothing has been assessed yet in {session.settings.home.resolve()}, so there is "
            "nothing to measure. `assay assess BUNDLE PATH` assesses pictures; what people answer "
            "on them is compared here.",
            "big",
        )
        return
    product, weeks = _choose(pack, list(in_use))
    used = in_use[product]
    try:
        policy = review.judged_by(session.explainer, used)
    except AssayError as exc:
        widgets.error(exc)
        return
    window = _window(
        f"{widgets.head_of(session)} {times_compared(session.store, used.bundle_sha256)}",
        _this_hour(),
        session,
        pack.name,
        product,
        used,
        weeks,
    )
    past = window.past
    if pack.has_own_review:
        # That page decides what a reader may know of a case before answering it.
        past = replace(past, is_hidden=past.is_hidden | (past.answer < 0))
        window = replace(window, past=past)
    widgets.text(f"{used.bundle}, policy {used.policy_id}", "quiet")
    widgets.text(_described(window), "quiet")
    cal = cases_behind(session.explainer.bundle(used.bundle_sha256), policy)
    _verdicts(session, pack, past)
    _groups(session, pack, past, f"{pack.name} {product} {used.bundle_sha256} {_newest(window)}")
    probability_panel.render(pack, policy, cal, past)
    st.header("What if", anchor=False, divider="grey")
    WhatIfPanel(session, pack, product, used, policy, window, weeks).render()


def _choose(pack: DomainPack, products: list[str]) -> tuple[str, int]:
    row = st.columns(2)
    with row[0]:
        product = choose_product("quality", pack.name, products)
    weeks = row[-1].selectbox(
        "Decisions of the last",
        WEEKS,
        index=WEEKS.index(4),
        key="quality-weeks",
        format_func=lambda n: "week" if n == 1 else f"{n} weeks",
    )
    return product, weeks


def _this_hour() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


@st.cache_resource(max_entries=4, show_spinner="Reading past decisions …")
def _window(
    head: str,
    hour: datetime,
    _session: ReviewSession,
    pack: str,
    product: str,
    used: InUse,
    weeks: int,
) -> PastWindow:
    del head  # whatever is written to the store changes it, and so does a comparison
    since = hour - timedelta(weeks=weeks)
    return read_window(_session.store, pack, product, used.bundle_sha256, since)


def _newest(window: PastWindow) -> str:
    return f"{window.past.case_id.size} {window.oldest} {window.newest}"


def _described(window: PastWindow) -> str:
    past = window.past
    return what_if.describe_window(
        past.case.size,
        past.case_id.size,
        window.oldest,
        window.newest,
        MOST if window.is_capped else None,
        window.copies,
    )


def _verdicts(session: ReviewSession, pack: DomainPack, past: PastVerdicts) -> None:
    st.header("Verdicts against people's answers", anchor=False, divider="grey")
    cells = quality.count_confusion(past)
    if not cells:
        widgets.text(
            "Nobody has answered a case of this stretch of time. What people decide on the page "
            "Review, and on the cases that the audit draws at random, is counted here."
        )
        return
    left, right = st.columns(2, gap="large")
    with left:
        _confusion(session, pack, past, cells)
    with right:
        _error_rates(pack, past)


def _confusion(
    session: ReviewSession, pack: DomainPack, past: PastVerdicts, cells: list[quality.ConfusionCell]
) -> None:
    widgets.table(quality.confusion_rows(cells, pack), "Cases by verdict and by people's answer")
    widgets.text(quality.SELECTED, "quiet")
    names = {quality.name_cell(cell, pack): cell for cell in cells}
    chosen = st.pills(
        "Show the cases",
        list(names),
        format_func=lambda name: present.escape_markdown(f"{name} ({names[name].cases.size:,})"),
        key="quality-cell",
    )
    if chosen in names:
        found = names[chosen].cases[::-1]
        links = [(str(past.case_id[one]), "") for one in found]
        case_links(session.store, pack, links, len(links), "cell")


def _error_rates(pack: DomainPack, past: PastVerdicts) -> None:
    rates = quality.error_rates(past, pack)
    rows = [(one.short, one.rate) for one in rates]
    if any(rate.n for _, rate in rows):
        st.plotly_chart(
            quality_figures.draw_rates(rows, "share that was wrong", None),
            config=quality_figures.CONFIG,
            key="quality-rates",
            alt="; ".join(f"{name}: {rate.describe()}" for name, rate in rows),
        )
    for one in rates:
        widgets.text(f"{one.name}: {one.rate.describe()}")
        widgets.text(one.note, "quiet")


def _groups(session: ReviewSession, pack: DomainPack, past: PastVerdicts, key: str) -> None:
    """Show the rates of the cases that one column of their headers tells apart."""
    if not past.case_id.size:
        return
    values = _columns(key, session, pack, past)
    found = {name: rates_by(past, own) for name, own in values.items()}
    columns = [name for name in pack.subgroup_columns if found[name]]
    if not columns:
        return
    st.subheader("By what their headers state", anchor=False)
    column = columns[0]
    if len(columns) > 1:
        column = st.selectbox(
            "Column", columns, format_func=quality.name_column, key="quality-column"
        )
    rates = found[column]
    widgets.text(quality.DRAWN, "quiet")
    rows = [(one.name, one.escapes) for one in rates]
    if any(rate.n for _, rate in rows):
        st.plotly_chart(
            quality_figures.draw_rates(
                rows, f"{pack.unit_names[0]} among {pack.wording[Disposition.NEGATIVE]}", None
            ),
            config=quality_figures.CONFIG,
            key="quality-groups",
            alt="; ".join(f"{name}: {rate.describe()}" for name, rate in rows),
        )
    shown = quality.name_column(column)
    widgets.table(quality.subgroup_rows(rates, shown, pack), f"Error rates by {shown}")


@st.cache_resource(max_entries=4, show_spinner="Reading headers …")
def _columns(
    key: str, _session: ReviewSession, _pack: DomainPack, _past: PastVerdicts
) -> Mapping[str, list[tuple[str, ...]]]:
    del key  # which cases these are
    return read_columns(_session.store, _past.case_id.tolist(), _pack.subgroup_columns)


render()
