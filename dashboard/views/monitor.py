"""Whether the certificates still hold: escapes, unlike pictures, coverage, drift, and alarms."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.records import alarms
from core.records.alarms import MonitorAlarm
from core.records.store import decision
from core.service.bundles.archived import place_on_shelf
from core.service.monitoring.monitor import Watched, state_of, watched
from core.service.review.in_use import products_in_use
from core.service.review.review import ReviewSession
from dashboard import alarm_banner, monitor_figures, widgets
from dashboard.present import monitor
from dashboard.present.alarms import alarm_rows, describe_alarm

_PLAIN = {"displayModeBar": False}


def render() -> None:
    """Show one pack's alarms and tests."""
    session, pack = widgets.session(), widgets.current_pack()
    head = widgets.head_of(session)
    every = alarms.list_alarms(session.store, pack.name)
    standing = [one for one in alarm_banner.standing(head, session) if one.pack == pack.name]
    for one in standing:
        _alarm(session, one)
    found = _watched(head, session, pack.name)
    is_missing = _missing_bundles(session, pack.name)
    if not (found or standing or is_missing):
        widgets.text(monitor.describe_nothing(session.settings.home), "big")
    for product in found:
        _product(product)
    if every:
        st.header("All alarms", anchor=False, divider="grey")
        widgets.table(alarm_rows(every), "Alarms, the newest first")
    widgets.follow(session, head)


@st.cache_resource(max_entries=8, show_spinner="Reading the tests …")
def _watched(head: str, _session: ReviewSession, pack: str) -> list[Watched]:
    del head  # whatever is written to the store changes it
    return watched(_session.store, _session.settings, pack)


def _missing_bundles(session: ReviewSession, pack: str) -> bool:
    """Return whether a bundle judges whose files are missing, having written which."""
    used = {one.bundle_sha256: one for one in products_in_use(session.store, pack).values()}
    shelves = {sha256: place_on_shelf(sha256, session.settings) for sha256 in used}
    missing = [sha256 for sha256, shelf in shelves.items() if not shelf.is_dir()]
    for sha256 in missing:
        widgets.error(monitor.describe_missing_bundle(used[sha256], shelves[sha256].parent))
    return bool(missing)


def _alarm(session: ReviewSession, one: MonitorAlarm) -> None:
    with st.container(border=True, key=f"alarm-{one.id}"):
        where = f"{one.pack} {one.product}".strip()
        widgets.text(f"Alarm for {where}", "title")
        widgets.text(one.sentence, "big")
        widgets.text(describe_alarm(one))
        if one.is_voiding:
            widgets.text(monitor.WAY_OUT)
        _pictures(session, one.evidence.get("pictures", ()))
        _past(session, one)
        if widgets.person().may(Role.REVIEWER) and not one.notes:
            comment = st.text_input(
                "What you found", key=f"note-text-{one.id}", max_chars=500, placeholder="Optional"
            )
            st.button(
                "Take note", key=f"note-{one.id}", on_click=_note, args=(session, one.id, comment)
            )


def _past(session: ReviewSession, one: MonitorAlarm) -> None:
    """Draw the tests of a policy that was suspended, as they stood then."""
    state = state_of(session.store, one.epoch_id) if one.is_voiding else None
    if state is None or not state.points:
        return
    left, right = st.columns(2, gap="large")
    alpha = one.evidence.get("alpha")
    with left:
        st.plotly_chart(
            monitor_figures.escape_rate(state.points, alpha), config=_PLAIN, key=f"rate-{one.id}"
        )
    with right:
        st.plotly_chart(
            monitor_figures.martingales(state.points), config=_PLAIN, key=f"bets-{one.id}"
        )


def _note(session: ReviewSession, alarm: str, comment: str) -> None:
    alarms.take_note(session.store, alarm, by=widgets.person(), comment=comment)


def _pictures(session: ReviewSession, ids: Sequence[str]) -> None:
    if not ids:
        return
    widgets.text("The pictures that add most to it", "heading")
    row = st.container(horizontal=True, gap="small")
    for one in ids:
        with row.container(width=140, gap=None):
            _picture(session, one)


def _picture(session: ReviewSession, decision_id: str) -> None:
    try:
        made = decision(session.store, decision_id)
        data = widgets.pictures().of(made)
    except AssayError as exc:
        widgets.error(exc)
        return
    at = made.decided_at.astimezone()
    widgets.picture(data, f"Picture of {at:%Y-%m-%d %H:%M}", "132px", widgets.enlarge(made))
    widgets.text(f"{at:%Y-%m-%d %H:%M}", "quiet")


def _product(one: Watched) -> None:
    scope, points = one.scope, one.state.points
    st.header(scope.rows.product or "All products", anchor=False, divider="grey")
    widgets.text(f"{scope.bundle}, policy {scope.policy.id}", "quiet")
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Escapes", anchor=False)
        widgets.text(monitor.describe_escapes(one))
        st.plotly_chart(
            monitor_figures.escape_rate(points, scope.policy.targets.escape),
            config=_PLAIN,
            key=f"rate-{scope.epoch_id}",
        )
    with right:
        st.subheader("Change", anchor=False)
        widgets.text(monitor.describe_ood(one))
        st.plotly_chart(
            monitor_figures.martingales(points), config=_PLAIN, key=f"bets-{scope.epoch_id}"
        )
    st.subheader("Label sets", anchor=False)
    widgets.text(monitor.describe_coverage(one))
    if one.covered:
        st.plotly_chart(
            monitor_figures.coverage(one.covered), config=_PLAIN, key=f"sets-{scope.epoch_id}"
        )
    if one.state.streams:
        st.subheader("Drift by source", anchor=False)
        widgets.table(monitor.drift_rows(one), "Features of the pictures of each source")


render()
