"""A person's own work: which cases they looked at, how closely and how long."""

from __future__ import annotations

import streamlit as st

from core.people import Role
from core.service.review.viewing import summarize_days, viewing_of, write_csv
from dashboard import widgets


def render() -> None:
    """Show the person's days, with everything as a file; a lead may take everybody's."""
    session, person = widgets.session(), widgets.person()
    if not person.may(Role.REVIEWER) or not person.id:
        widgets.text("Write your name in the sidebar first: each sees their own work.", "big")
        return
    events = viewing_of(session.store, person)
    widgets.text(
        "When a case was shown to you, whether you zoomed, and how long you took. At most a "
        "minute of a case counts as active. Nobody but you and a lead sees it.",
        "quiet",
    )
    if not events:
        home = session.settings.home.resolve()
        widgets.text(f"Nothing yet in {home}: open a case on the page Review.", "big")
        return
    head = ("Day", "Shown", "Zoomed", "Decided", "Median time to decide", "Active")
    widgets.table([head, *summarize_days(events)], "Your days, newest first")
    st.download_button("Download as CSV", write_csv(events), "views.csv", "text/csv")
    if person.may(Role.LEAD):
        st.download_button(
            "Download everybody's as CSV",
            lambda: write_csv(viewing_of(session.store, person, of_everybody=True)),
            "views-all.csv",
            "text/csv",
        )


render()
