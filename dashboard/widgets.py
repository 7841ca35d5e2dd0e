"""Small pieces that the pages share: what is opened once a process, and what is drawn often."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack, installed
from core.records import audit
from core.records.values import StoredDecision
from core.records.worklist import counts
from core.service.review.review import ReviewSession, open_review_session
from core.settings import Settings
from core.types import Disposition, Policy
from dashboard.overlay import KnownCase
from dashboard.pictures import Pictures
from dashboard.present import LIKELY, probability
from dashboard.styles import CSS

FOLLOW_S = 3.0
"""How often an open page looks whether the store has changed."""

_PLACE: ContextVar[str] = ContextVar("place", default="")


def session() -> ReviewSession:
    """Return the store and the explainer, opened once a process."""
    return _opened()[0]


def pictures() -> Pictures:
    """Give what works out the pictures, opened once a process."""
    return _opened()[1]


def _close(opened: tuple[ReviewSession, Pictures]) -> None:
    # In this order: a picture still being worked out would open the explainer again.
    session, shown = opened
    shown.close()
    session.close()


@st.cache_resource(show_spinner="Opening the store …", on_release=_close)
def _opened() -> tuple[ReviewSession, Pictures]:
    session = open_review_session(Settings())
    return session, Pictures(session.explainer)


def styles() -> None:
    """Lay the few rules of style over the page."""
    st.html(f"<style>{CSS}</style>")


@contextmanager
def of_case(place: str) -> Iterator[None]:
    """Mark what is drawn as part of one case, so that the browser never shows parts of two."""
    token = _PLACE.set(place)
    try:
        yield
    finally:
        _PLACE.reset(token)


def html(body: str) -> None:
    """Draw HTML of ours, marked with the case that it is part of."""
    place = _PLACE.get()
    st.html(f'<div data-place="{escape(place)}">{body}</div>' if place else body)


def picture(data: bytes, words: str, height: str = "66vh") -> None:
    """Show a JPEG.

    Its bytes travel with the page's words: no request of its own, so none that comes late.

    Args:
        data: The JPEG.
        words: What stands for it where it cannot be seen.
        height: Its greatest height in CSS units.
    """
    place = f' data-place="{escape(_PLACE.get())}"' if _PLACE.get() else ""
    source = f"data:image/jpeg;base64,{b64encode(data).decode()}"
    style = f"max-height:{height}"
    st.html(
        f'<img class="assay-picture"{place} style="{style}" alt="{escape(words)}" src="{source}">'
    )


def words(text: str, kind: str = "plain") -> None:
    """Write text from wherever it comes; nothing in it can become markup.

    Args:
        text: What is said.
        kind: Its style: ``plain``, ``quiet``, ``title``, ``heading``, ``big`` or ``trouble``.
    """
    html(f'<div class="assay-{kind}">{escape(text)}</div>')


def trouble(error: AssayError) -> None:
    """Say what went wrong and the way out, in place of what would stand here."""
    html(f'<div class="assay-trouble"><b>{escape(error.message)}</b><br>{escape(error.hint)}</div>')


def sidebar(session: ReviewSession) -> None:
    """Ask which pack and who reviews; both stay while pages change."""
    waiting = {name: counts(session.store, name).waiting for name in installed()}
    st.session_state.setdefault("pack", max(waiting, key=lambda name: sum(waiting[name].values())))
    st.session_state.setdefault("reviewer", session.settings.reviewer)
    with st.sidebar:
        if len(waiting) > 1:
            st.selectbox("Pack", list(waiting), key="pack")
        words(current_pack().title, "quiet")
        if not reviewer():
            st.text_input(
                "Your name",
                key="typed_name",
                max_chars=80,
                placeholder="Stands under every verdict",
                on_change=_sign,
            )
            return
        # A box that keeps the cursor would swallow the verdict keys; so it goes once it is filled.
        words("Reviewing as", "quiet")
        words(reviewer(), "title")
        st.button("Somebody else", key="somebody_else", type="tertiary", on_click=_sign_off)


def _sign() -> None:
    st.session_state["reviewer"] = st.session_state["typed_name"].strip()


def _sign_off() -> None:
    st.session_state["reviewer"] = ""


def focus(key: str) -> None:
    """Put the cursor into a text box.

    Args:
        key: The box's key, a constant of ours.
    """
    # The box may come a moment after the script, on a page that has much to draw.
    script = f"""{{
        let left = 40
        const seek = () => {{
            const box = document.querySelector(".st-key-{key} input")
            if (box) box.focus()
            else if (left-- > 0) setTimeout(seek, 50)
        }}
        seek()
    }}"""
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def current_pack() -> DomainPack:
    """Give the pack that the sidebar shows."""
    return installed()[st.session_state["pack"]]


def lead_to_own_page(pack: DomainPack) -> None:
    """Show the way to a pack's own page, which knows what a reader may see there and when."""
    words(f"{pack.name.capitalize()} is reviewed on a page of its own.", "big")
    st.page_link(st.session_state["own_pages"][pack.name], label="Go there")


@st.fragment(run_every=FOLLOW_S)
def follow(session: ReviewSession, drawn: str) -> None:
    """Draw the page anew once the store has changed since it was drawn.

    Args:
        session: The open store.
        drawn: What ``head_of`` gave when the page was drawn.
    """
    if head_of(session) != drawn:
        st.rerun()


def head_of(session: ReviewSession) -> str:
    """Name the state of the store: whatever is written to it changes this."""
    return audit.head(session.store).hash


def reviewer() -> str:
    """Give the name that verdicts are signed with; empty while there is none."""
    return str(st.session_state.get("reviewer", "")).strip()


def verdict_html(
    decision: StoredDecision, wording: Mapping[Disposition, str], policy: Policy | None
) -> str:
    """Write a verdict as HTML; a verdict without a probability has no bar."""
    chance = decision.positive_probability
    head = (
        f'<div class="assay-head"><span class="assay-word {decision.disposition.value}">'
        f"{escape(decision.wording)}</span>"
    )
    if chance is None:
        return f'{head}<span class="assay-quiet">no probability</span></div>'
    positive = escape(wording[Disposition.POSITIVE])
    return (
        f'{head}<span class="assay-chance">{escape(probability(chance))}</span></div>'
        f'<div class="assay-quiet">calibrated probability of {positive}</div>'
        + bar_html(chance, wording, policy)
    )


def bar_html(chance: float, wording: Mapping[Disposition, str], policy: Policy | None) -> str:
    """Draw a probability from 0 to 1 with the two certified limits marked, where they are known."""
    mark = f'<b style="left:{100 * chance:.2f}%"></b>'
    if policy is None:
        return f'<div class="assay-bar">{mark}</div>'
    t_neg, t_pos = policy.t_neg, policy.t_pos
    passed, failed = (escape(wording[d]) for d in (Disposition.NEGATIVE, Disposition.POSITIVE))
    zones, ends = [], []
    if t_neg is not None:
        zones.append(f'<i class="negative" style="left:0;width:{100 * t_neg:.2f}%"></i>')
        ends.append(f"{passed} up to {escape(probability(t_neg))}")
    else:
        ends.append(f"no certified limit for {passed}")
    if t_pos is not None:
        zones.append(f'<i class="positive" style="left:{100 * t_pos:.2f}%;right:0"></i>')
        ends.append(f"{failed} from {escape(probability(t_pos))}")
    else:
        ends.append(f"no certified limit for {failed}")
    return (
        f'<div class="assay-bar">{"".join(zones)}{mark}</div>'
        f'<div class="assay-ends"><span>{ends[0]}</span><span>{ends[1]}</span></div>'
    )


def labels_html(chances: Sequence[tuple[str, float]], left_out: str) -> str:
    """Draw labels with their probabilities as bars; those as likely as not stand out."""
    rows = [
        f'<div class="assay-label {"likely" if chance >= LIKELY else ""}">'
        f'<span>{escape(name)}</span><i><b style="width:{100 * chance:.1f}%"></b></i>'
        f"<em>{escape(probability(chance))}</em></div>"
        for name, chance in chances
    ]
    more = f'<div class="assay-quiet">{escape(left_out)}</div>' if left_out else ""
    return f'<div class="assay-labels">{"".join(rows)}{more}</div>'


def known_case(one: KnownCase) -> None:
    """Write a known case's label and distance, with a dot for the side it is on."""
    side = "" if one.positive is None else ("positive" if one.positive else "negative")
    label = one.label.replace("|", ", ")
    html(
        f'<div class="assay-known"><i class="{side}"></i>{escape(label)}<br>'
        f"<span>distance {one.distance:.1f}</span></div>"
    )
