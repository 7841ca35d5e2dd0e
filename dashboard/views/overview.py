"""How a pack is doing, and the bundle in use: its certified limits, verdicts and reviews."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.decision.certificate_text import percent
from core.errors import AssayError
from core.packs import DomainPack
from core.records.final_reads import final_reads
from core.records.store import decisions
from core.records.worklist import counts
from core.service.review import review
from core.service.review.in_use import InUse, products_in_use
from core.service.review.review import ReviewSession
from core.service.summaries import describe_more_data, summarise_policy
from core.types import Certificate, Disposition, Policy
from dashboard import figures, present, widgets
from dashboard.overview_panel import OverviewPanel
from dashboard.product_choice import choose_product

MOST = 5000
"""Images counted at most; the newest, so that the page stays fast in its second year."""


def render() -> None:
    """Show one pack's overview."""
    session, pack = widgets.session(), widgets.current_pack()
    in_use = products_in_use(session.store, pack.name)
    if not in_use:
        widgets.text(
            present.describe_empty_queue(
                pack, counts(session.store, pack.name), session.settings.home
            ),
            "big",
        )
        return
    OverviewPanel(session, pack, datetime.now(UTC)).render()
    st.header("What judges", anchor=False)
    product = choose_product("overview", pack.name, list(in_use))
    used = in_use[product]
    newest = decisions(session.store, pack=pack.name, product=product, limit=1)
    counted = _counted(newest[0].id if newest else "", session, pack.name, product, used)
    widgets.text(f"{used.bundle}, policy {used.policy_id}", "quiet")
    try:
        policy = review.judged_by(session.explainer, used)
    except AssayError as exc:
        policy = None
        widgets.error(exc)
    if policy is not None:
        _certified_limits(pack, policy)
    _verdicts(pack, policy, counted)
    _reviews(session, pack, counted)
    if policy is not None:
        _more_data(pack, policy)


@st.cache_resource(max_entries=8, show_spinner="Counting …")
def _counted(
    newest: str, _session: ReviewSession, pack: str, product: str, used: InUse
) -> present.VerdictCounts:
    del newest  # the next verdict changes it
    found = decisions(
        _session.store,
        pack=pack,
        product=product,
        bundle_sha256=used.bundle_sha256,
        policy_id=used.policy_id,
        has_tiles=False,
        limit=MOST,
    )
    return present.count_verdicts(found)


def _certified_limits(pack: DomainPack, policy: Policy) -> None:
    st.header("Certified limits", anchor=False)
    sentences = summarise_policy(pack, policy)
    sides = (policy.escape, policy.overkill)
    columns = st.columns(2)
    for column, certificate, sentence, word in zip(
        columns, sides, sentences, pack.error_names, strict=False
    ):
        with column.container(border=True, height="stretch"):
            _certificate(certificate, word, sentence)
    for sentence in sentences[len(sides) :]:
        widgets.text(sentence)


def _certificate(certificate: Certificate, word: str, sentence: str) -> None:
    if certificate.certified:
        st.badge("certified", color="green")
    else:
        st.badge("not certified", color="orange")
    widgets.text(f"{word}: at most {percent(certificate.alpha)}", "title")
    widgets.text(sentence, "big")


def _verdicts(pack: DomainPack, policy: Policy | None, counted: present.VerdictCounts) -> None:
    st.header("Verdicts", anchor=False)
    numbers = st.columns(4)
    for column, disposition in zip(numbers, Disposition, strict=False):
        mark = present.verdict_mark(disposition, pack.wording[disposition])
        column.metric(present.escape_markdown(str(mark)), f"{counted.counts[disposition]:,}")
    numbers[-1].metric(present.label_automation(pack), percent(counted.automation))
    st.plotly_chart(
        figures.probabilities(counted, pack.wording, policy), config={"displayModeBar": False}
    )
    widgets.text(present.describe_counted(counted, MOST), "quiet")


def _reviews(session: ReviewSession, pack: DomainPack, counted: present.VerdictCounts) -> None:
    st.header("Reviews", anchor=False)
    widgets.text(present.describe_reviewed(counts(session.store, pack.name), pack), "big")
    found = final_reads(session.store, pack.name, limit=MOST)
    agreements = present.compare_reviews(found, counted.verdicts)
    for sentence in (
        *(present.describe_agreement(agreement, pack) for agreement in agreements),
        present.describe_unreviewed_negatives(agreements, pack),
    ):
        widgets.text(sentence)


def _more_data(pack: DomainPack, policy: Policy) -> None:
    st.header("What more data would certify", anchor=False)
    for sentence in describe_more_data(pack, policy):
        widgets.text(sentence)


render()
