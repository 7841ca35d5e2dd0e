"""How good the verdicts are, and what other limits would have made of past cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import streamlit as st

from core.decision import metrics
from core.decision.back_test import CALLS_OUT, DEFERS, PASSES, PastVerdicts
from core.decision.cases import Cases
from core.decision.policy import dispositions
from core.decision.rate import Rate
from core.decision.subgroups import rates_by
from core.errors import AssayError
from core.packs import DomainPack
from core.records.case_columns import read_columns
from core.records.past_window import MOST, PastWindow, read_window
from core.report.curves import risk_coverage
from core.report.reliability import reliability
from core.service.quality.what_if import cases_behind
from core.service.review import review
from core.service.review.in_use import InUse, products_in_use
from core.service.review.review import ReviewSession
from core.types import F64, Disposition, Policy
from dashboard import present, quality_figures, widgets
from dashboard.case_links import case_links
from dashboard.present import quality, what_if
from dashboard.product_choice import choose_product
from dashboard.what_if_panel import WhatIfPanel

WEEKS = (1, 2, 4, 8, 13, 26, 52)
BAND_CASES = 10_000
"""Cases that a perfect predictor is simulated on at the most, the newest."""


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
        widgets.head_of(session), _this_hour(), session, pack.name, product, used, weeks
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
    _probabilities(pack, policy, cal, past)
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
    del head  # whatever is written to the store changes it
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


def _probabilities(pack: DomainPack, policy: Policy, cal: Cases, past: PastVerdicts) -> None:
    st.header("Probabilities", anchor=False, divider="grey")
    left, right = st.columns(2, gap="large")
    with left:
        widgets.text("Held-out cases", "title")
        widgets.text(quality.HELD_OUT, "quiet")
        reached = cal.reached(policy.targets.ood_alpha)
        made = dispositions(cal, policy)
        decided = made != Disposition.DEFER.value
        wrong = (made == Disposition.POSITIVE.value) != cal.positive
        point = (float(decided.mean()), Rate.from_groups(wrong[decided], cal.group[decided]))
        _curves(
            pack,
            cal.positive_probability[reached],
            cal.positive[reached],
            cal.group[reached],
            len(cal.group),
            point if decided.any() else None,
            "held-out",
        )
    with right:
        widgets.text("Cases that people answered", "title")
        widgets.text("Chosen by the model, as above: no random sample.", "quiet")
        _answered_curves(pack, past)


def _answered_curves(pack: DomainPack, past: PastVerdicts) -> None:
    answered = (past.answer == PASSES) | (past.answer == CALLS_OUT)
    mine = np.flatnonzero(answered & ~np.isnan(past.case_probability))[-BAND_CASES:]
    given, truth = past.given[mine], past.answer[mine] == CALLS_OUT
    decided = given != DEFERS
    wrong = (given == CALLS_OUT)[decided] != truth[decided]
    point = (
        float(decided.mean()) if decided.size else 0.0,
        Rate.independent(int(wrong.sum()), int(decided.sum())),
    )
    _curves(
        pack, past.case_probability[mine], truth, mine, mine.size,
        point if decided.any() else None, "answered",
    )  # fmt: skip


def _curves(
    pack: DomainPack,
    p: F64,
    truth: np.ndarray,
    group: np.ndarray,
    total: int,
    point: tuple[float, Rate] | None,
    key: str,
) -> None:
    if p.size == 0:
        widgets.text("There is no such case with a probability, so there is nothing to draw.")
        return
    p = np.clip(p, 0.0, 1.0)
    found = reliability(p, truth)
    both = np.stack([1.0 - p, p], axis=1)
    outside = int(np.sum((found.observed < found.low) | (found.observed > found.high)))
    described = quality.describe_calibration(
        p.size,
        metrics.ece(both, truth.astype(np.int64)),
        metrics.ece_floor(both, seed=0),
        outside,
        found.count.size,
    )
    positive = pack.unit_names[0]
    st.plotly_chart(
        quality_figures.draw_reliability(found, positive),
        config=quality_figures.CONFIG,
        key=f"reliability-{key}",
        alt=f"Reliability diagram. {described}",
    )
    widgets.text(described)
    curve = risk_coverage(p, truth, group, total)
    risk = (
        f"Risk against coverage: {100 * curve.y[-1]:.1f} % wrong where {100 * curve.x[-1]:.0f} % "
        "are decided for the likelier side."
    )
    st.plotly_chart(
        quality_figures.draw_risk(curve, point),
        config=quality_figures.CONFIG,
        key=f"risk-{key}",
        alt=risk,
    )
    widgets.text(risk)


render()
