"""Who decided what, on which evidence: the audit log, searched, checked, replayed and exported."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import streamlit as st

from core.errors import AssayError
from core.people import Person, Role
from core.records import audit_search
from core.records.audit_search import AuditQuery
from core.records.values import now
from core.service.anchors import anchor_file, check_anchors
from core.service.assessment.replay import replay
from core.service.audit import Check, check
from core.service.audit_export import (
    MOST_CSV,
    MOST_PDF,
    collect_events,
    describe_anchors,
    to_csv,
    to_pdf,
)
from core.service.audit_text import describe_event, describe_row, packs_about
from core.service.progress import Progress
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from dashboard.names import names_of
from dashboard.tasks import Work, begin_task, task_result

PAGE = 40
ROWS = 20
FAULTS = 50


def render() -> None:
    """Show the log to whoever may read it: it names blind reads and known answers too."""
    widgets.person().require(Role.LEAD, "read the audit log")
    session = widgets.session()
    _show_anchors(session)
    _show_check(session)
    query = _choose_events(session)
    if query is None:
        widgets.text("No case has that name or id.", "big")
        return
    listed, opened = st.columns([3, 2], gap="large")
    with listed:
        _show_events(session, query)
    with opened:
        _show_opened(session)
    _show_export(session, query)


def _show_anchors(session: ReviewSession) -> None:
    file = anchor_file(session.settings)
    status = check_anchors(session.store, file) if file else None
    *rest, last = describe_anchors(status)
    if status is not None and status.broken is None and status.last is not None:
        st.badge("agrees with its anchors", color="green", icon=":material/check_circle:")
    elif status is not None and status.broken is not None:
        st.badge("broken", color="red", icon=":material/error:")
    for sentence in rest:
        widgets.text(sentence, "quiet")
    widgets.text(last, "error" if status is not None and status.broken else "plain")


def _show_check(session: ReviewSession) -> None:
    st.button(
        "Check every event, row and picture",
        key="check_all",
        on_click=_begin,
        args=("audit_check", lambda progress: (now(), check(session.settings, (), progress))),
    )
    done = task_result("audit_check")
    if done is not None:
        at, found = done
        _show_found(at, found)


def _show_found(at: datetime, found: Check) -> None:
    shown = f"{at.astimezone():%Y-%m-%d %H:%M}: {found.events} events, head {found.head}."
    widgets.text(shown, "quiet")
    if not found.faults:
        widgets.text("Everything is as it was written.", "big")
        return
    widgets.text(f"{len(found.faults)} findings; the first is where it breaks.", "error")
    for fault in found.faults[:FAULTS]:
        widgets.text(fault)


def _choose_events(session: ReviewSession) -> AuditQuery | None:
    """Return what to search for, kept in the address; None for a case that is not there."""
    store, chosen = session.store, st.query_params
    actors, actions = audit_search.list_actors(store), audit_search.list_actions(store)
    names = names_of(store, actors)
    fields = st.columns([2, 2, 2, 2, 2])
    case = fields[0].text_input("Case", value=chosen.get("case", ""), placeholder="name or id")
    actor = fields[1].selectbox(
        "Person",
        ["", *actors],
        index=_position(actors, chosen.get("person", "")),
        format_func=lambda one: names.get(one, one) or "everybody",
    )
    action = fields[2].selectbox(
        "Action",
        ["", *actions],
        index=_position(actions, chosen.get("action", "")),
        format_func=lambda one: one or "all",
    )
    since = fields[3].date_input("From", value=_day(chosen.get("from", "")))
    until = fields[4].date_input("To, that day included", value=_day(chosen.get("to", "")))
    texts = {"case": case, "person": actor, "action": action, "from": since, "to": until}
    _keep_address({name: str(value) for name, value in texts.items() if value})
    found = audit_search.case_ids_of(store, case.strip()) if case.strip() else [""]
    if not found:
        return None
    if len(found) > 1:
        found = [st.selectbox("Several cases have that name", found)]
    return AuditQuery(
        case_id=found[0],
        actor=actor,
        action=action,
        since=_midnight(since),
        until=_midnight(until, days=1),
    )


def _keep_address(texts: dict[str, str]) -> None:
    if st.session_state.get("audit_address") != texts:
        # Another search begins at its newest event.
        st.session_state["audit_address"] = texts
        st.session_state["audit_places"] = []
    for name in ("case", "person", "action", "from", "to"):
        if name in texts:
            st.query_params[name] = texts[name]
        elif name in st.query_params:
            del st.query_params[name]


def _show_events(session: ReviewSession, query: AuditQuery) -> None:
    places: list[tuple[str, int]] = st.session_state["audit_places"]
    after = places[-1] if places else None
    events = audit_search.search_events(session.store, query, after=after, limit=PAGE + 1)
    if not events:
        home = session.settings.home.resolve()
        widgets.text(f"No event in {home} fits. Leave a field empty to search for more.", "big")
    names = names_of(session.store, {one.actor for one in events})
    for one in events[:PAGE]:
        st.button(
            present.escape_markdown(describe_event(one, names)),
            key=f"event_{one.seq}",
            type="tertiary",
            on_click=_open,
            args=(one.seq,),
        )
    newer, older = st.columns(2)
    newer.button("Newer", key="newer", disabled=not places, on_click=_go_newer)
    more = len(events) > PAGE
    older.button(
        "Older",
        key="older",
        disabled=not more,
        on_click=_go_older,
        args=(events[PAGE - 1].place if more else None,),
    )


def _show_opened(session: ReviewSession) -> None:
    number = st.query_params.get("event", "")
    if not number.isdigit():
        widgets.text("Choose an event to see what it wrote and on which evidence.", "quiet")
        return
    one = audit_search.event(session.store, int(number))
    names, packs = names_of(session.store, {one.actor}), packs_about(session.store, one)
    widgets.text(f"Event {one.seq}", "title")
    widgets.text(describe_event(one, names))
    widgets.text(f"Hash {one.hash}", "quiet")
    for case_id in one.cases[:ROWS]:
        st.page_link(
            "views/review.py", label=f"Open case {case_id}", query_params={"case": case_id}
        )
    for table, rows in audit_search.rows_written(session.store, one, ROWS).items():
        people = names_of(session.store, _people_in(rows))
        for row in rows:
            widgets.text(describe_row(table, row, packs, people))
            if table == "decisions":
                _show_replay(session, row["id"])
        left = one.counts[table] - len(rows)
        if left > 0:
            widgets.text(f"… and {left} more.", "quiet")


def _show_replay(session: ReviewSession, decision_id: str) -> None:
    key = f"replay_{decision_id}"
    st.button(
        f"Replay {decision_id}",
        key=f"button_{key}",
        help="Computes the verdict again from the stored picture, bundle and policy.",
        on_click=_begin,
        args=(key, lambda progress: _replayed(decision_id, session, progress)),
    )
    differences = task_result(key)
    if differences is None:
        return
    if not differences:
        widgets.text("Computed again: the same to the last bit.", "big")
    for line in differences:
        widgets.text(f"Differs: {line}", "error")


def _replayed(decision_id: str, session: ReviewSession, progress: Progress) -> list[str]:
    progress("Computing the verdict again", 0, 1)
    return replay(decision_id, session.store, session.settings)


def _show_export(session: ReviewSession, query: AuditQuery) -> None:
    by = widgets.person()
    st.button(
        "Prepare CSV and PDF of this search",
        key="export",
        on_click=_begin,
        args=("audit_export", lambda progress: _exported(session, query, by, progress)),
    )
    files = task_result("audit_export")
    if files is not None:
        left, right = st.columns(2)
        left.download_button("Download CSV", files[0], "audit.csv", "text/csv", on_click="ignore")
        right.download_button(
            "Download PDF", files[1], "audit.pdf", "application/pdf", on_click="ignore"
        )


def _exported(
    session: ReviewSession, query: AuditQuery, by: Person, progress: Progress
) -> tuple[bytes, bytes]:
    many, few = (
        collect_events(session.store, session.settings, query, by=by, most=most, progress=progress)
        for most in (MOST_CSV, MOST_PDF)
    )
    return to_csv(many), to_pdf(few, query)


def _begin(key: str, work: Work) -> None:
    widgets.person().require(Role.LEAD, "read the audit log")
    begin_task(key, work)


def _open(seq: int) -> None:
    st.query_params["event"] = str(seq)


def _go_older(place: tuple[str, int]) -> None:
    st.session_state["audit_places"].append(place)


def _go_newer() -> None:
    st.session_state["audit_places"].pop()


def _people_in(rows: list[dict[str, Any]]) -> set[str]:
    columns = ("reviewer", "deployed_by", "second_person", "resolved_by", "granted_by")
    return {row[name] for row in rows for name in columns if row.get(name)}


def _position(options: list[str], wanted: str) -> int:
    return options.index(wanted) + 1 if wanted in options else 0


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date | None, days: int = 0) -> datetime | None:
    """Return when a day begins where this machine stands, or so many days later."""
    if day is None:
        return None
    return datetime.combine(day + timedelta(days=days), time()).astimezone(UTC)


try:
    render()
except AssayError as exc:
    widgets.error(exc)
