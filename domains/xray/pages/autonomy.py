"""The stages: how far the pack may act by itself at each site, on what evidence, by whose word."""

from __future__ import annotations

import streamlit as st

from core.errors import AssayError
from core.records import audit, case_list, releases
from core.records.case_list import Read
from core.records.releases import Stage
from core.records.store import decisions
from core.records.values import StoredDecision
from core.service.review.review import ReviewSession
from core.types import Policy
from dashboard import present, widgets
from domains.xray import pack
from domains.xray.pages.reading import policy_of
from domains.xray.worklist import release_text, showing, staging
from domains.xray.worklist.reading_list import Releases, site_of
from domains.xray.worklist.staging import (
    Evidence,
    evidence_of,
    hindrance,
    missing_evidence,
    supervised_since,
)

state = st.session_state


def render(session: ReviewSession, standing: Releases, open_sites: list[str]) -> None:
    """Show every site with its stage, its evidence and what may be released."""
    newest = decisions(session.store, pack=pack.name, limit=1)
    if not newest:
        widgets.words("Nothing has been assessed yet, so there is nothing to release.", "big")
        return
    used = newest[0]
    policy = policy_of(used.bundle_sha256, used.policy_id)
    widgets.words(f"In use: {used.bundle}, policy {used.policy_id}", "quiet")
    if policy is None:
        _come_back(used)
    reads = _reads(session, audit.head(session.store).hash)
    sites = dict.fromkeys([*open_sites, *standing, *(site_of(one.headers) for one in reads)])
    for site in sites:
        history = releases.history(session.store, pack.name, site)
        since = supervised_since(history, used.bundle, used.policy_id)
        evidence = evidence_of(reads, used.bundle, used.policy_id, site, since)
        with st.container(border=True):
            _site(session, standing, site, used, policy, evidence)


@st.fragment(run_every=widgets.FOLLOW_S)
def _come_back(used: StoredDecision) -> None:
    """Draw the page again once the bundle is open."""
    if policy_of(used.bundle_sha256, used.policy_id) is not None:
        st.rerun()


def override_words(session: ReviewSession, site: str | None) -> str:
    """Say how often readers differ from the verdicts in use."""
    newest = decisions(session.store, pack=pack.name, limit=1)
    if not newest:
        return ""
    reads = _reads(session, audit.head(session.store).hash)
    return release_text.override_words(
        evidence_of(reads, newest[0].bundle, newest[0].policy_id, site)
    )


@st.cache_resource(max_entries=2, show_spinner=False)
def _reads(_here: ReviewSession, head: str) -> list[Read]:
    del head  # whatever is written to the store changes it
    return case_list.reads(_here.store, pack.name)


def _site(
    session: ReviewSession,
    standing: Releases,
    site: str,
    used: StoredDecision,
    policy: Policy | None,
    evidence: Evidence,
) -> None:
    current = releases.stage_for(standing.get(site), used.bundle)
    left, right = st.columns([1.5, 1], gap="large")
    with left:
        widgets.words(site or showing.NO_SITE, "title")
        widgets.words(showing.stage_words(current))
        st.html(release_text.evidence_html(evidence, pack.error_words))
        if current is Stage.AUTOMATIC and (problem := missing_evidence(current, evidence)):
            widgets.words(f"What has been read since speaks against it. {problem}", "trouble")
    with right:
        _step_up(session, site, current, used, policy, evidence)
        _steps_down(session, site, current, used, policy)
        for one in releases.history(session.store, pack.name, site)[:5]:
            widgets.words(release_text.release_words(one), "quiet")
        widgets.words(release_text.SINGLE_USER, "quiet")


def _step_up(
    session: ReviewSession,
    site: str,
    current: Stage,
    used: StoredDecision,
    policy: Policy | None,
    evidence: Evidence,
) -> None:
    if current.above is None:
        widgets.words("This is the last stage.", "quiet")
        return
    above = current.above
    widgets.words(f"Next step: {above.value}", "heading")
    widgets.words(staging.MEANING[above], "quiet")
    if problems := list(filter(None, _problems(above, policy, evidence))):
        for problem in problems:
            widgets.words(problem, "trouble")
        return
    nameless = not widgets.reviewer()
    key = f"{site}-{above.value}-{evidence.reads}"
    sure = st.checkbox(release_text.confirm_words(evidence), key=f"sure-{key}", disabled=nameless)
    st.button(
        f"Release {above.value}",
        key=f"release-{key}",
        type="primary",
        disabled=nameless or not sure,
        on_click=_release,
        args=(session, site, above, used, policy),
    )
    if nameless:
        widgets.words("Write your name in the sidebar first; it stands under every release.")


def _problems(stage: Stage, policy: Policy | None, evidence: Evidence) -> tuple[str, str]:
    return hindrance(stage, policy), missing_evidence(stage, evidence)


def _steps_down(
    session: ReviewSession,
    site: str,
    current: Stage,
    used: StoredDecision,
    policy: Policy | None,
) -> None:
    lower = [stage for stage in Stage if stage.step < current.step]
    if not lower:
        return
    row = st.container(horizontal=True, gap="small")
    for stage in lower:
        row.button(
            f"Back to {stage.value}",
            key=f"back-{site}-{stage.value}",
            disabled=not widgets.reviewer(),
            on_click=_release,
            args=(session, site, stage, used, policy),
        )


def _release(
    session: ReviewSession, site: str, stage: Stage, used: StoredDecision, policy: Policy | None
) -> None:
    """Release what was on the screen."""
    try:
        staging.release(
            session.store,
            site,
            stage,
            by=widgets.reviewer(),
            bundle=used.bundle,
            policy_id=used.policy_id,
            policy=policy,
        )
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))
