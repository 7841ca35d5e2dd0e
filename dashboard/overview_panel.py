"""How a pack is doing: the last seven days, a time axis, and who and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import streamlit as st

from core.packs import DomainPack
from core.people import Role
from core.records.case_filter import CaseFilter
from core.records.over_time import AnsweredCase, answered_since, count_cases
from core.service.quality.periods import WorkHistory, this_week_and_last
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import present, quality_figures, widgets
from dashboard.case_links import case_links, filter_link
from dashboard.names import names_of
from dashboard.present import overview
from dashboard.styles import DEFER, POSITIVE

WEEKS = (2, 4, 8, 13, 26, 52)
_CHOSEN = "overview-cases"


@dataclass(frozen=True)
class OverviewPanel:
    """One pack's figures over time.

    Attributes:
        session: The store.
        pack: Whose cases.
        now: When it is drawn.
    """

    session: ReviewSession
    pack: DomainPack
    now: datetime

    def render(self) -> None:
        """Draw it."""
        head, hour = (
            widgets.head_of(self.session),
            self.now.replace(minute=0, second=0, microsecond=0),
        )
        start, middle, end = this_week_and_last(self.now)
        recent = _history(head, hour, self.session, self.pack.name, 2)
        later, earlier = recent.between(middle, end), recent.between(start, middle)
        st.header("The last seven days", anchor=False)
        this_week, last_week = map(overview.figures_of_history, (later, earlier))
        widgets.text(overview.describe_counts(this_week, last_week, self.pack), "big")
        if tiles := overview.describe_tiles(this_week, self.pack):
            widgets.text(tiles)
        for column, tile in zip(
            st.columns(3), overview.rate_tiles(this_week, last_week, self.pack), strict=True
        ):
            with column.container(border=True, height="stretch"):
                self._tile(tile, this_week.tiles[Disposition.DEFER])
        self._limit(recent)
        self._chosen_cases(later)
        st.header("Over time", anchor=False)
        row = st.columns(2)
        weeks = row[0].selectbox(
            "Over the last",
            WEEKS,
            index=1,
            key="overview-weeks",
            format_func=lambda n: f"{n} weeks",
        )
        unit = row[1].radio("In", ["days", "weeks"], horizontal=True, key="overview-unit")
        history = _history(head, hour, self.session, self.pack.name, weeks)
        self._limit(history)
        self._over_time(history, 1 if unit == "days" else 7)
        self._products(history, later, earlier, weeks)
        self._reviewers(history, later, earlier)

    def _limit(self, history: WorkHistory) -> None:
        if text := overview.describe_limit(history):
            st.info(text)

    def _tile(self, tile: overview.RateTile, deferred_tiles: int) -> None:
        widgets.text(tile.title, "heading")
        if not tile.rate.n:
            widgets.text(tile.empty)
            return
        widgets.text(tile.rate.describe(), "big")
        widgets.text(f"Since the seven days before: {tile.change.describe()}", "quiet")
        if tile.key == overview.DEFERRED:
            # The list that it leads to has the tiles of larger pictures too.
            more = f" and {deferred_tiles:,} tiles" if deferred_tiles else ""
            self._deferred_link(f"Show these cases ({tile.rate.k:,}{more})", max_age_h=7 * 24)
            return
        st.button(
            f"Show these cases ({tile.rate.k:,})",
            key=f"overview-show-{tile.key}",
            disabled=not tile.rate.k,
            on_click=_choose,
            args=(tile.key,),
        )

    def _deferred_link(self, label: str, max_age_h: float, products: tuple[str, ...] = ()) -> None:
        # A pack with a page of its own decides there what a reader may know, and when.
        if self.pack.has_own_review:
            return
        wanted = CaseFilter(
            packs=(self.pack.name,),
            products=products,
            verdicts=(Disposition.DEFER,),
            states=(),
            max_age_h=max_age_h,
        )
        filter_link(wanted, label)

    def _chosen_cases(self, later: WorkHistory) -> None:
        chosen = st.session_state.get(_CHOSEN)
        if chosen is None:
            return
        links = self._links(overview.cases_behind_rate(chosen, later.answers))
        with st.container(border=True):
            case_links(self.session.store, self.pack, links, len(links), "overview")
            st.button("Close the list", on_click=_choose, args=(None,), type="tertiary")

    def _links(self, answers: Sequence[AnsweredCase]) -> list[tuple[str, str]]:
        names = self._names(answers)
        return [
            (one.case_id, overview.describe_answer(one, self.pack, names[one.reviewer]))
            for one in answers
        ]

    def _names(self, answers: Sequence[AnsweredCase]) -> dict[str, str]:
        """Return the names that a person may see: a reviewer sees their own alone."""
        ids = {one.reviewer for one in answers}
        if widgets.person().may(Role.LEAD):
            known = names_of(self.session.store, ids)
            return {one: known.get(one, one) for one in ids}
        own = widgets.person()
        return {one: own.name if one == own.id else "a person" for one in ids}

    def _over_time(self, history: WorkHistory, days: int) -> None:
        bars = history.by_day(days)
        if not bars:
            widgets.text("Nothing came and nothing was answered in this stretch of time.")
            return
        figures = [overview.figures_of_history(one) for one in bars.values()]
        axis = [f"{day:%Y-%m-%d}" for day in bars]
        order = (Disposition.NEGATIVE, Disposition.DEFER, Disposition.POSITIVE)
        st.plotly_chart(
            quality_figures.draw_over_time(
                axis,
                [
                    (
                        str(present.verdict_mark(one, self.pack.wording[one])),
                        [each.verdicts[one] for each in figures],
                        colour,
                    )
                    for one, colour in zip(order, quality_figures.VERDICT_COLOURS, strict=True)
                ],
                "cases",
            ),
            config=quality_figures.CONFIG,
            key="overview-counts",
            alt=f"Cases by verdict from {axis[0]} to {axis[-1]}.",
        )
        escape = self.pack.error_names[0]
        st.plotly_chart(
            quality_figures.draw_rates_over_time(
                axis,
                [
                    ("went to a person", [one.deferred for one in figures], DEFER, "diamond"),
                    ("decided against", [one.overridden for one in figures], "#2f6fdb", "circle"),
                    (f"{escape}, audit", [one.escaped for one in figures], POSITIVE, "triangle-up"),
                ],
            ),
            config=quality_figures.CONFIG,
            key="overview-rates",
            alt=f"Rates with 95 % intervals from {axis[0]} to {axis[-1]}.",
        )

    def _products(
        self, history: WorkHistory, later: WorkHistory, earlier: WorkHistory, weeks: int
    ) -> None:
        rows = overview.product_rows(history, later, earlier)
        widgets.table(rows, "By product, with 95 % intervals")
        with st.container(horizontal=True, gap="small"):
            for product in history.products:
                named = product or "no product named"
                self._deferred_link(f"{named}: went to a person", weeks * 7 * 24, (product,))
        groups = [
            (f"product {one or 'not named'}", history.of_product(one)) for one in history.products
        ]
        if len(history.sites) > 1 or any(history.sites):
            widgets.table(overview.site_rows(history), "By site, with 95 % intervals")
            groups += [
                (f"site {one or 'not named'}", history.of_site(one)) for one in history.sites
            ]
        self._pills("product or site", groups, "places")

    def _reviewers(self, history: WorkHistory, later: WorkHistory, earlier: WorkHistory) -> None:
        own = widgets.person()
        if not own.may(Role.LEAD):
            history, later, earlier = (
                each.of_reviewer(own.id) for each in (history, later, earlier)
            )
        if not history.answers:
            widgets.text("Nobody whom you may see has answered a case in this stretch of time.")
            return
        names = self._names(history.answers)
        rows = overview.reviewer_rows(history, later, earlier, names)
        widgets.table(rows, "By person, with 95 % intervals")
        groups = [
            (names[one], WorkHistory({}, mine)) for one, mine in history.by_reviewer().items()
        ]
        self._pills("person", groups, "people")

    def _pills(self, of: str, groups: Sequence[tuple[str, WorkHistory]], key: str) -> None:
        found = {
            name: overview.cases_behind_rate(overview.OVERRIDDEN, each.answers)
            for name, each in groups
        }
        found = {name: answers for name, answers in found.items() if answers}
        if not found:
            return
        chosen = st.pills(
            f"Cases decided against the verdict, by {of}",
            list(found),
            format_func=lambda name: present.escape_markdown(f"{name} ({len(found[name]):,})"),
            key=f"overview-{key}",
        )
        if chosen in found:
            links = self._links(found[chosen])
            case_links(self.session.store, self.pack, links, len(links), key)


def _choose(key: str | None) -> None:
    st.session_state[_CHOSEN] = key


@st.cache_resource(max_entries=6, show_spinner="Counting …")
def _history(
    head: str, hour: datetime, _session: ReviewSession, pack: str, weeks: int
) -> WorkHistory:
    del head  # whatever is written to the store changes it
    since = hour.astimezone(UTC) + timedelta(hours=1) - timedelta(weeks=weeks)
    return WorkHistory(
        count_cases(_session.store, pack, since), answered_since(_session.store, pack, since)
    )
