"""How people read: agreement, known cases, disputes, and which share is read twice."""

from __future__ import annotations

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.people import Role
from core.records.double_reads import DoubleRead
from core.records.gold_answers import list_gold
from core.records.read_plans import MOST_GOLD, ReadPlan
from core.service.review import read_plan
from core.service.review.readers import ReadingQuality, double_reads, measure_readers
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import present, widgets
from dashboard.case_links import case_link, case_links
from dashboard.names import names_of
from dashboard.present import readers

DAYS = (1, 7, 28, 91, 365)
FEW = 12

state = st.session_state


def render() -> None:
    """Show a pack's readers."""
    session, pack, person = widgets.session(), widgets.current_pack(), widgets.person()
    if not person.may(Role.REVIEWER):
        widgets.text("Give your name in the sidebar, or sign in, to see how you read.", "big")
        return
    days = st.selectbox(
        "Answers of the last",
        DAYS,
        index=DAYS.index(28),
        key="readers-days",
        format_func=lambda n: "day" if n == 1 else f"{n} days",
    )
    quality = measure_readers(session.store, pack.name, person, float(days))
    widgets.text(readers.describe_plan(quality.plan, pack))
    if waiting := readers.describe_states(quality.states):
        widgets.text(waiting)
    for sentence in readers.list_alarms(quality):
        widgets.text(sentence, "error")
    _agreement(quality)
    _readers(quality)
    if person.may(Role.LEAD):
        found = double_reads(session.store, pack.name, person, float(days))
        _disputes(session, pack, found)
        _known_cases(session, pack, found)
        _plan(session, pack, quality.plan)


def _agreement(quality: ReadingQuality) -> None:
    st.header("Agreement", anchor=False, divider="grey")
    cases = quality.agreement.cases
    widgets.text(
        f"{cases:,} cases were read by two people who did not know each other's answer."
        if cases
        else "No case was read by two people yet; a lead sets below which share is.",
        "plain" if cases else "big",
    )
    if cases:
        rows = readers.list_agreement(quality.agreement)
        widgets.table([("Figure", "Value", "Meaning"), *rows], "Agreement of two readers")


def _readers(quality: ReadingQuality) -> None:
    st.header("People", anchor=False, divider="grey")
    rows = readers.list_readers(quality)
    if not rows:
        widgets.text("Nobody has reviewed a case in this time.")
        return
    widgets.table([readers.READER_COLUMNS, *rows], "How each person reads")
    if quality.plan.gold:
        for one in quality.readers:
            if text := readers.describe_missing(one, quality.plan.target):
                widgets.text(text, "quiet")


def _disputes(session: ReviewSession, pack: DomainPack, found: list[DoubleRead]) -> None:
    st.header("Disagreements to decide", anchor=False, divider="grey")
    disputes = [one for one in found if one.outcome is None]
    if not disputes:
        widgets.text("None: the readers agreed, or a third person has decided.")
    for one in disputes[:FEW]:
        case_link(pack, one.case_id, f"{present.display_name(one.key)}: two answers differ")
    if len(disputes) > FEW:
        widgets.text(f"{len(disputes) - FEW:,} more follow when these are decided.", "quiet")
    closed = [one for one in found if one.outcome is not None]
    differed = [one for one in closed if len(set(one.categories)) > 1]
    if differed:
        with st.expander(f"Decided: {len(differed):,}"):
            names = names_of(session.store, {name for one in differed for name in one.readers})
            case_links(
                session.store,
                pack,
                [(one.case_id, readers.describe_double_read(one, pack, names)) for one in differed],
                len(differed),
                "decided",
            )


def _known_cases(session: ReviewSession, pack: DomainPack, found: list[DoubleRead]) -> None:
    st.header("Known cases", anchor=False, divider="grey")
    known = list_gold(session.store, pack.name)
    widgets.text(
        f"{len(known):,} cases with a known answer are mixed in where the share below allows it. "
        "They look like any other; what a person answers on them measures that person and changes "
        "nothing of the case."
    )
    for gold in known[:FEW]:
        name, button = st.columns([4, 1], vertical_alignment="center")
        with name:
            mark = present.verdict_mark(gold.disposition, pack.wording[gold.disposition])
            widgets.text(f"{present.display_name(gold.key)}: {mark}")
        button.button(
            "Withdraw",
            key=f"withdraw-{gold.case_id}",
            on_click=_withdraw,
            args=(session, gold.case_id),
        )
    _offer_known(session, pack, found, {one.case_id for one in known})


def _offer_known(
    session: ReviewSession, pack: DomainPack, found: list[DoubleRead], known: set[str]
) -> None:
    clear = {
        one.case_id: one
        for one in found
        if one.case_id not in known and one.outcome not in (None, Disposition.DEFER)
    }
    if not clear:
        widgets.text(
            "A case becomes one once two people agreed on it, or a third has decided.", "quiet"
        )
        return

    def label(case_id: str) -> str:
        one = clear[case_id]
        word = pack.wording[one.outcome] if one.outcome else ""
        return f"{present.display_name(one.key)}: {word}"

    row = st.columns([4, 1], vertical_alignment="bottom")
    chosen = row[0].selectbox(
        "Add one that was agreed or decided", list(clear), format_func=label, key="known-case"
    )
    row[1].button("Add", key="known-add", on_click=_choose, args=(session, clear[chosen]))


def _plan(session: ReviewSession, pack: DomainPack, plan: ReadPlan) -> None:
    st.header("What is read twice", anchor=False, divider="grey")
    with st.form("read-plan"):
        columns = st.columns(len(Disposition))
        shares = {
            one: column.number_input(
                f"{present.escape_markdown(pack.wording[one])}, %",
                0.0,
                100.0,
                100.0 * plan.share_of(one),
                0.5,
                help="Share of the reviewed cases with this verdict that a second person reads.",
            )
            for column, one in zip(columns, Disposition, strict=True)
        }
        left, right = st.columns(2)
        gold = left.number_input("Known cases, %", 0.0, 100.0 * MOST_GOLD, 100.0 * plan.gold, 0.5)
        target = right.number_input(
            "Sensitivity asked for, %", 50.0, 99.0, 100.0 * plan.target, 1.0
        )
        if st.form_submit_button("Set", type="primary"):
            negative, positive, defer = (shares[one] / 100.0 for one in Disposition)
            wanted = ReadPlan(negative, positive, defer, gold / 100.0, target / 100.0)
            _set(session, pack, wanted)
    widgets.text(
        "Whether a case is read twice is drawn by a secret key when it is first answered, so that "
        "no answer sways it. Until both answers are in, the case counts in no figure.",
        "quiet",
    )


def _set(session: ReviewSession, pack: DomainPack, plan: ReadPlan) -> None:
    try:
        read_plan.set_plan(session.store, pack.name, plan, widgets.person())
    except AssayError as exc:
        widgets.error(exc)
        return
    st.rerun()


def _choose(session: ReviewSession, one: DoubleRead) -> None:
    try:
        if one.outcome is not None:
            person = widgets.person()
            read_plan.choose_known(session.store, one.case_id, one.outcome, person, one.label)
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def _withdraw(session: ReviewSession, case_id: str) -> None:
    try:
        read_plan.withdraw_known(session.store, case_id, widgets.person())
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


render()
