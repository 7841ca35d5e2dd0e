"""What the bundle in use promises, what it has decided, and what people said about that."""

from __future__ import annotations

import streamlit as st

from core.decision.certificate import percent
from core.errors import AssayError
from core.packs import DomainPack
from core.records import reviews
from core.records.store import decisions
from core.records.values import StoredDecision
from core.records.worklist import counts
from core.service.review import review
from core.service.review.review import ReviewSession
from core.service.summaries import describe_more_data, summarise_policy
from core.types import Certificate, Disposition, Policy
from dashboard import figures, present, widgets

MOST = 5000
"""Images that one look counts; the newest, so that the page stays fast in its second year."""


def render() -> None:
    """Show one pack's overview."""
    session, pack = widgets.session(), widgets.current_pack()
    newest = decisions(session.store, pack=pack.name, limit=1)
    if not newest:
        widgets.words(
            present.all_done(pack, counts(session.store, pack.name), session.settings.home), "big"
        )
        return
    judged = _judged(newest[0].id, session, newest[0])
    widgets.words(f"{newest[0].bundle}, policy {newest[0].policy_id}", "quiet")
    try:
        policy = review.judged_by(session.explainer, newest[0])
    except AssayError as exc:
        policy = None
        widgets.trouble(exc)
    if policy is not None:
        _promises(pack, policy)
    _decided(pack, policy, judged)
    _people(session, pack, judged)
    if policy is not None:
        _more_data(pack, policy)


@st.cache_resource(max_entries=8, show_spinner="Counting …")
def _judged(newest: str, _here: ReviewSession, _decision: StoredDecision) -> present.Judged:
    del newest
    found = decisions(
        _here.store,
        pack=_decision.pack,
        bundle_sha256=_decision.bundle_sha256,
        policy_id=_decision.policy_id,
        limit=MOST,
    )
    return present.judged_by(found)


def _promises(pack: DomainPack, policy: Policy) -> None:
    st.subheader("What is promised", anchor=False)
    sentences = summarise_policy(pack, policy)
    sides = (policy.escape, policy.overkill)
    columns = st.columns(2)
    for column, certificate, sentence, word in zip(
        columns, sides, sentences, pack.error_words, strict=False
    ):
        with column.container(border=True, height="stretch"):
            _certificate(certificate, word, sentence)
    for sentence in sentences[len(sides) :]:
        widgets.words(sentence)


def _certificate(certificate: Certificate, word: str, sentence: str) -> None:
    if certificate.certified:
        st.badge("certified", color="green")
    else:
        st.badge("not certified", color="orange")
    widgets.words(f"{word}: at most {percent(certificate.alpha)}", "title")
    widgets.words(sentence, "big")


def _decided(pack: DomainPack, policy: Policy | None, judged: present.Judged) -> None:
    st.subheader("What was decided", anchor=False)
    numbers = st.columns(4)
    for column, disposition in zip(numbers, Disposition, strict=False):
        column.metric(
            present.escape_markdown(pack.wording[disposition]), f"{judged.counts[disposition]:,}"
        )
    numbers[-1].metric(present.automatic_word(pack), percent(judged.automatic))
    st.plotly_chart(
        figures.probabilities(judged, pack.wording, policy), config={"displayModeBar": False}
    )
    widgets.words(present.judged_words(judged, MOST), "quiet")


def _people(session: ReviewSession, pack: DomainPack, judged: present.Judged) -> None:
    st.subheader("What people said", anchor=False)
    widgets.words(present.reviewed_words(counts(session.store, pack.name), pack), "big")
    said = reviews.reviewed(session.store, pack.name, limit=MOST)
    agreements = present.agreements(said, judged.verdicts)
    for sentence in (
        *(present.agreement_words(agreement, pack) for agreement in agreements),
        present.unseen_words(agreements, pack),
    ):
        widgets.words(sentence)


def _more_data(pack: DomainPack, policy: Policy) -> None:
    st.subheader("What more data would buy", anchor=False)
    for sentence in describe_more_data(pack, policy):
        widgets.words(sentence)


render()
