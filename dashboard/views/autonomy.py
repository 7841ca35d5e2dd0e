"""Stages of autonomy: how far a pack may act by itself at each site, on which evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.people import Role
from core.records import audit, deployments, read_list
from core.records.deployment import Stage
from core.records.picture_origins import times_compared
from core.records.read_list import Read
from core.service.review import autonomy, autonomy_text, read_evidence
from core.service.review.case_rules import CaseRules
from core.service.review.in_use import InUse, in_use_at
from core.service.review.read_evidence import ReadEvidence
from core.service.review.review import ReviewSession
from core.types import Policy
from dashboard import present, sign_in, widgets
from dashboard.names import names_of

_HEAD = ("what readers found", "reads", "share", "95 % interval")


@dataclass(frozen=True, slots=True)
class AutonomyView:
    """The screen of the stages of one pack.

    Attributes:
        pack: Whose cases.
        rules: What it reads out of their headers.
        policy_of: Return the policy of a bundle's sha256 and a policy id; None where it is not at
            hand yet.
    """

    pack: DomainPack
    rules: CaseRules
    policy_of: Callable[[str, str], Policy | None]

    def render(self, session: ReviewSession, open_sites: Iterable[str]) -> None:
        """Show every site with its stage, its evidence and what may be released.

        Args:
            session: The store.
            open_sites: Sites that have open cases.
        """
        reads = _reads(session, self.pack.name, _head(session))
        released = deployments.by_product(session.store, self.pack.name)
        sites = dict.fromkeys([*open_sites, *released, *self._read_sites(reads)])
        in_use = {site: in_use_at(session.store, self.pack.name, site) for site in sites}
        if not any(in_use.values()):
            widgets.text("Nothing has been assessed yet, so there is nothing to release.", "big")
            return
        for site, used in in_use.items():
            with st.container(border=True):
                if used is None:
                    widgets.text(site or autonomy_text.NO_SITE, "title")
                    widgets.text("Nothing has been assessed here yet.", "quiet")
                    continue
                policy = self._policy(used)
                current = deployments.stage_for(released.get(site), used.bundle)
                _Site(self, session, site, current, used, policy).render(reads)
        self._rerun_when_open([one for one in in_use.values() if one])

    def override_text(self, session: ReviewSession, site: str | None) -> str:
        """Return how often readers differ from the verdicts in use; empty while nobody read any."""
        reads = _reads(session, self.pack.name, _head(session))
        sites = self._read_sites(reads) if site is None else [site]
        found = (in_use_at(session.store, self.pack.name, one) for one in sites)
        return autonomy_text.override_texts(
            {
                used.bundle: read_evidence.evidence_of(
                    reads, self.rules, used.bundle, used.policy_id, site
                )
                for used in dict.fromkeys(filter(None, found))
            }
        )

    def _read_sites(self, reads: Sequence[Read]) -> list[str]:
        named = (site for one in reads for site in self.rules.sites_of(one.headers))
        return list(dict.fromkeys(named))

    def _rerun_when_open(self, in_use: Sequence[InUse]) -> None:
        """Draw the page again once a bundle is open that is not yet."""
        missing = [one for one in in_use if self._policy(one) is None]
        if not missing:
            return

        @st.fragment(run_every=widgets.FOLLOW_S)
        def wait() -> None:
            if any(self._policy(one) is not None for one in missing):
                st.rerun()

        wait()

    def _policy(self, used: InUse) -> Policy | None:
        return self.policy_of(used.bundle_sha256, used.policy_id)


@st.cache_resource(max_entries=2, show_spinner=False)
def _reads(_session: ReviewSession, pack: str, head: str) -> list[Read]:
    del head
    return read_list.reads(_session.store, pack)


def _head(session: ReviewSession) -> str:
    """Return what changes with whatever evidence is made of; a comparison is no event."""
    return f"{audit.head(session.store).hash} {times_compared(session.store)}"


@dataclass(frozen=True, slots=True)
class _Site:
    """One site on the screen, with what would be released there."""

    view: AutonomyView
    session: ReviewSession
    site: str
    current: Stage
    used: InUse
    policy: Policy | None

    def render(self, reads: list[Read]) -> None:
        """Show where the site stands, and what may be released."""
        pack, used = self.view.pack, self.used
        history = deployments.history(self.session.store, pack.name, self.site)
        since = read_evidence.supervised_since(history, used.bundle, used.policy_id)
        evidence = read_evidence.evidence_of(
            reads, self.view.rules, used.bundle, used.policy_id, self.site, since
        )
        left, right = st.columns([1.5, 1], gap="large")
        with left:
            self._standing(evidence)
        with right:
            self._step_up(evidence)
            self._steps_down()
            names = names_of(self.session.store, [one.deployed_by for one in history[:5]])
            for one in history[:5]:
                by = replace(one, deployed_by=names[one.deployed_by])
                widgets.text(autonomy_text.release_text(by), "quiet")
            if not sign_in.has_sign_in():
                widgets.text(autonomy_text.SINGLE_USER, "quiet")

    def _standing(self, evidence: ReadEvidence) -> None:
        widgets.text(self.site or autonomy_text.NO_SITE, "title")
        widgets.text(f"In use: {self.used.bundle}, policy {self.used.policy_id}", "quiet")
        widgets.text(autonomy_text.stage_text(self.current))
        widgets.table(
            [_HEAD, *autonomy_text.evidence_rows(self.view.pack, evidence)],
            "Verdicts against reads",
        )
        missing = autonomy.missing_evidence(self.view.pack, self.current, evidence)
        if self.current is Stage.AUTOMATIC and missing:
            widgets.text(f"What has been read since contradicts it. {missing}", "error")

    def _step_up(self, evidence: ReadEvidence) -> None:
        above = self.current.above
        if above is None:
            widgets.text("This is the last stage.", "quiet")
            return
        widgets.text(f"Next step: {above.value}", "heading")
        widgets.text(autonomy.MEANING[above], "quiet")
        reasons = autonomy.blocking_reasons(self.view.pack, above, self.policy, evidence)
        for reason in reasons:
            widgets.text(reason, "error")
        if not reasons:
            self._release_button(above, evidence)

    def _release_button(self, above: Stage, evidence: ReadEvidence) -> None:
        may_not = not widgets.person().may(Role.LEAD)
        key = f"{self.site}-{above.value}-{evidence.reads}"
        confirm = autonomy_text.confirm_text(evidence)
        sure = st.checkbox(confirm, key=f"sure-{key}", disabled=may_not)
        st.button(
            f"Release {above.value}",
            key=f"release-{key}",
            type="primary",
            disabled=may_not or not sure,
            on_click=self._release,
            args=(above,),
        )
        if may_not:
            widgets.text(widgets.why_not(Role.LEAD))

    def _steps_down(self) -> None:
        lower = [stage for stage in Stage if stage.step < self.current.step]
        if not lower:
            return
        row = st.container(horizontal=True, gap="small")
        for stage in lower:
            row.button(
                f"Back to {stage.value}",
                key=f"back-{self.site}-{stage.value}",
                disabled=not widgets.person().may(Role.LEAD),
                on_click=self._release,
                args=(stage,),
            )

    def _release(self, stage: Stage) -> None:
        """Release what was on the screen."""
        try:
            autonomy.release(
                self.session.store,
                self.view.pack,
                self.view.rules,
                self.site,
                stage,
                by=widgets.person(),
                bundle=self.used.bundle,
                bundle_sha256=self.used.bundle_sha256,
                policy_id=self.used.policy_id,
                policy=self.policy,
            )
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
