"""Policies: what judges each product, what is proposed instead, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.people import Role
from core.records import deployments, proposals
from core.records.deployment import Deployment
from core.records.picture_origins import times_compared
from core.records.proposals import Outcome, Proposal
from core.records.released_answers import corrected_since_release
from core.service.recertify.collect import collect
from core.service.recertify.collected import Collected
from core.service.recertify.in_force import in_force
from core.service.recertify.proposals import reject, release, roll_back
from core.service.recertify.recertify import propose_recertified, recertify
from core.service.review import review
from core.service.review.in_use import InUse, products_in_use
from core.service.review.review import ReviewSession
from core.service.summaries import summarise_policy
from core.types import Policy
from dashboard import present, widgets
from dashboard.case_links import MOST, case_links
from dashboard.names import names_of
from dashboard.present import policies as words
from dashboard.product_choice import choose_product
from dashboard.progress_bar import Bar
from dashboard.retraining_panel import RetrainingPanel


def render() -> None:
    """Show the policies of the pack that the sidebar shows."""
    session, pack = widgets.session(), widgets.current_pack()
    in_use = products_in_use(session.store, pack.name)
    if not in_use:
        widgets.text(
            f"Nothing judges yet in {session.settings.home.resolve()}. `assay deploy BUNDLE "
            "--product PRODUCT` lets a bundle judge a product; its policy then stands here.",
            "big",
        )
        return
    product = _choose(session, pack, list(in_use))
    used = in_use[product]
    try:
        policy = review.judged_by(session.explainer, used)
    except AssayError as exc:
        widgets.error(exc)
        return
    page = _Product(session, pack, product, used, policy)
    page.render()
    widgets.follow(session, widgets.head_of(session))


def _choose(session: ReviewSession, pack: DomainPack, products: list[str]) -> str:
    """Return the product that a person chooses; at first one that a proposal waits for."""
    listed = proposals.list_proposals(session.store, pack.name)
    waiting = {one.product for one in listed if one.outcome is Outcome.OPEN}
    return choose_product("policies", pack.name, products, preferred=waiting)


@st.cache_resource(max_entries=4, show_spinner="Reading reviewed cases …")
def _collected(
    head: str, compared: int, _session: ReviewSession, bundle_sha256: str, product: str
) -> Collected:
    del head, compared  # whatever is written to the store changes one of them
    bundle = _session.explainer.bundle(bundle_sha256)
    return collect(_session.store, _session.settings, bundle, product)


@dataclass(frozen=True)
class _Product:
    """One product: what judges it, what review has given, what is proposed."""

    session: ReviewSession
    pack: DomainPack
    product: str
    used: InUse
    policy: Policy

    def render(self) -> None:
        """Draw it."""
        history = deployments.history(self.session.store, self.pack.name, self.product)
        proposed = proposals.list_proposals(self.session.store, self.pack.name, self.product)
        ids = words.people_in(history, proposed)
        names = names_of(self.session.store, ids)
        st.header("In force", anchor=False, divider="grey")
        widgets.text(f"{self.used.bundle}, policy {self.used.policy_id}", "title")
        for line in summarise_policy(self.pack, self.policy):
            widgets.text(line)
        if history:
            widgets.text(words.describe_deployment(history[0], names), "quiet")
        self._corrected()
        self._way_back()
        st.header("Proposed", anchor=False, divider="grey")
        waiting = [one for one in proposed if one.outcome is Outcome.OPEN]
        if not waiting:
            widgets.text(
                "Nothing is proposed. A policy is proposed here from reviewed cases, or on the "
                "page Quality for other error rates.",
                "quiet",
            )
        for one in waiting:
            with st.container(border=True):
                self._proposal(one, names)
        st.header("From review", anchor=False, divider="grey")
        self._review()
        st.header("History", anchor=False, divider="grey")
        past = [one for one in proposed if one.outcome is not Outcome.OPEN]
        self._history(history, past, names)

    def _history(
        self, made: Sequence[Deployment], past: Sequence[Proposal], names: Mapping[str, str]
    ) -> None:
        if not (made or past):
            widgets.text("No policy has been released or turned down here yet.", "quiet")
        for deployment in made:
            widgets.text(words.describe_deployment(deployment, names))
        for proposal in past:
            widgets.text(words.describe_proposal(proposal, names), "quiet")

    def _corrected(self) -> None:
        found = corrected_since_release(self.session.store, self.pack.name, self.product)
        if found:
            widgets.text(words.describe_corrected(len(found)), "error")
            links = [(case, "corrected") for case in found[:MOST]]
            case_links(self.session.store, self.pack, links, len(found), self._key("corrected"))

    def _way_back(self) -> None:
        try:
            earlier = deployments.earlier_of(self.session.store, self.pack.name, self.product)
        except AssayError:
            return
        st.button(
            f"Roll back to policy {earlier.policy_id}",
            key=self._key("back"),
            disabled=not widgets.person().may(Role.LEAD),
            on_click=self._act,
            args=("back", None),
            help="At once, everywhere: workers, stations and nodes follow within two seconds.",
        )

    def _proposal(self, one: Proposal, names: words.Names) -> None:
        widgets.text(words.describe_proposal(one, names), "title")
        rows = words.compare_rows(one.evidence)
        if rows:
            widgets.table(rows, "What is in force and what is proposed")
            for line in one.evidence["after"].get("text", ()):
                widgets.text(line, "quiet")
        for line in one.evidence.get("summary", ()):
            widgets.text(line)
        if flips := one.evidence.get("flips"):
            widgets.text(words.describe_flips(flips))
            wording = {key.value: word for key, word in self.pack.wording.items()}
            links = words.flip_links(flips, wording)[:MOST]
            total = flips.get("total", 0) - flips.get("withheld", 0)
            if links:
                case_links(self.session.store, self.pack, links, total, f"flips-{one.number}")
        self._decide(one)

    def _decide(self, one: Proposal) -> None:
        person = widgets.person()
        now_ = in_force(self.session.store, self.pack.name, self.product)
        reason = words.why_not_release(one, person, now_.deployment_id)
        st.text_input("Comment", key=self._key("comment", one), max_chars=500)
        if not reason and words.needs_confirmation(one, person):
            st.text_input(
                f"You work alone: type {one.policy_id} to release what you proposed. It is kept as "
                '"single person".',
                key=self._key("typed", one),
            )
        row = st.container(horizontal=True, gap="small")
        row.button(
            "Release",
            key=self._key("release", one),
            type="primary",
            disabled=bool(reason),
            on_click=self._act,
            args=("release", one),
        )
        row.button(
            "Reject",
            key=self._key("reject", one),
            disabled=not person.may(Role.LEAD),
            on_click=self._act,
            args=("reject", one),
        )
        if reason:
            widgets.text(reason, "quiet")

    def _review(self) -> None:
        head = widgets.head_of(self.session)
        sha256 = self.used.bundle_sha256
        compared = times_compared(self.session.store, sha256)
        found = _collected(head, compared, self.session, sha256, self.product)
        for line in words.describe_reviewed(found):
            widgets.text(line)
        # Which cases these are is not listed: to be drawn tells that a case has likely passed.
        st.button(
            "Recertify and propose",
            key=self._key("recertify"),
            disabled=not found.may_suffice or not widgets.person().may(Role.LEAD),
            on_click=self._act,
            args=("recertify", None),
            help="Nothing changes by it until somebody else releases the proposal.",
        )
        bundle = self.session.explainer.bundle(self.used.bundle_sha256)
        RetrainingPanel(self.session, bundle, self.policy, self.product, found).render()

    def _act(self, action: str, one: Proposal | None) -> None:
        """Do what a button asks for."""
        store, settings, by = self.session.store, self.session.settings, widgets.person()
        try:
            if action == "back":
                roll_back(store, settings, self.pack.name, self.product, by=by)
            elif action == "recertify":
                self._recertify()
            elif one is not None:
                comment = str(st.session_state.get(self._key("comment", one), ""))
                typed = str(st.session_state.get(self._key("typed", one), ""))
                if action == "release":
                    release(store, settings, one, by=by, comment=comment, confirmation=typed)
                else:
                    reject(store, one, by=by, comment=comment)
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))

    def _recertify(self) -> None:
        store, settings, by = self.session.store, self.session.settings, widgets.person()
        by.require(Role.LEAD, "propose a policy")
        bundle = self.session.explainer.bundle(self.used.bundle_sha256)
        with Bar() as step:
            found = recertify(store, settings, bundle, self.policy.targets, self.product, step=step)
        propose_recertified(store, settings, bundle, self.policy, found, self.product, by=by)

    def _key(self, name: str, one: Proposal | None = None) -> str:
        return f"policies-{name}-{one.id if one else self.product}"


render()
