"""The sliders that try other limits on past cases; nothing changes by moving them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from core.decision.back_test import SEVERITY, Costs
from core.errors import AssayError
from core.packs import DomainPack
from core.people import Role
from core.records.past_window import PastWindow
from core.records.preferences import keep_preference, preference_of
from core.service.quality.what_if import WhatIf, propose_targets, try_targets
from core.service.review.in_use import InUse
from core.service.review.review import ReviewSession
from core.types import Policy, Targets
from dashboard import present, widgets
from dashboard.case_links import MOST, case_links
from dashboard.present import what_if

COSTS = "costs"
_BY_RATES, _BY_BUDGET = "error rates", "a share that people can review"


@dataclass(frozen=True)
class WhatIfPanel:
    """One product's sliders and what they would have made of past cases.

    Attributes:
        session: The store.
        pack: Whose cases.
        product: The product.
        used: What judges it.
        policy: The policy in force.
        window: Its past decisions.
        weeks: How far back they reach.
    """

    session: ReviewSession
    pack: DomainPack
    product: str
    used: InUse
    policy: Policy
    window: PastWindow
    weeks: int

    def render(self) -> None:
        """Draw it; moving a slider draws this part of the page alone."""
        widgets.text(
            "Try other limits on these past decisions. Nothing changes by moving a slider: a "
            "change has to be proposed, and released by a second person."
        )
        if not self.window.past.case_id.size:
            widgets.text("There are no decisions in this stretch of time; choose a longer one.")
            return
        self._sliders()

    @st.fragment
    def _sliders(self) -> None:
        left, right = st.columns([1, 2], gap="large")
        with left:
            targets = self._targets()
            costs = self._costs()
        bundle = self.session.explainer.bundle(self.used.bundle_sha256)
        tried = try_targets(
            bundle,
            targets,
            self.window.past,
            in_force=self.policy,
            home=self.session.settings.home,
        )
        with right:
            self._certificates(tried, targets)
            rows = what_if.what_if_rows(tried.before, tried.after, self.pack, costs)
            head = ("cases", "as it was", "with these limits")
            widgets.table([head, *rows], "What became of the cases, and what would have become")
            widgets.text(
                "Shares and counts with 95 % intervals, over cases. Errors among what passed are "
                "estimated from the audit draw; among cases that people get anyway, from those "
                "they answered, which are taken for a random sample of them.",
                "quiet",
            )
            self._propose(tried, targets)
        self._flips(tried)

    def _targets(self) -> Targets:
        asked, ceiling = self.policy.targets, self.pack.ceiling
        escape, overkill = self.pack.error_names
        by = st.radio(
            "Limits from",
            [_BY_RATES, _BY_BUDGET],
            index=int(asked.review_budget is not None),
            key=self._key("by"),
        )
        percents: Callable[[float], str] = what_if.describe_share_choice
        confidence = st.select_slider(
            "Confidence",
            what_if.confidences_to_choose(ceiling.confidence, asked.confidence),
            asked.confidence,
            format_func=percents,
            key=self._key("confidence"),
        )
        budget, rates = asked.review_budget, {"escape": asked.escape, "overkill": asked.overkill}
        if by == _BY_BUDGET:
            budget = st.select_slider(
                "Cases that may go to a person",
                sorted({*what_if.BUDGETS, *([budget] if budget is not None else [])}),
                0.15 if budget is None else budget,
                format_func=percents,
                key=self._key("budget"),
            )
        else:
            budget = None
            for name, word, most in (
                ("escape", escape, ceiling.bound),
                ("overkill", overkill, 0.5),
            ):
                rates[name] = st.select_slider(
                    f"{word.capitalize()} at most",
                    what_if.rates_to_choose(most, rates[name]),
                    rates[name],
                    format_func=percents,
                    key=self._key(name),
                )
        return Targets(
            **rates,
            confidence=confidence,
            ood_alpha=asked.ood_alpha,
            review_budget=budget,
            uncertified_negatives=asked.uncertified_negatives,
        )

    def _costs(self) -> Costs:
        escape, overkill = self.pack.error_names
        kept = preference_of(self.session.store, COSTS, widgets.person())
        known = Costs(**kept) if kept else Costs()
        widgets.text("Your own costs", "heading")
        widgets.text("In any unit; they are kept for you.", "quiet")
        words = {"escape": escape, "overkill": overkill, "review": "review by a person"}
        found = {
            name: st.number_input(
                f"One {word}",
                min_value=0.0,
                value=float(getattr(known, name)),
                step=1.0,
                key=f"cost-{name}",
            )
            for name, word in words.items()
        }
        if found != dict(kept):
            keep_preference(self.session.store, COSTS, found, by=widgets.person())
        return Costs(**found)

    def _certificates(self, tried: WhatIf, targets: Targets) -> None:
        policy = tried.policy
        for certificate, word, unit in zip(
            (policy.escape, policy.overkill),
            self.pack.error_names,
            self.pack.unit_names,
            strict=True,
        ):
            if certificate.certified:
                st.badge("certified", color="green")
            else:
                st.badge("not certified", color="orange")
            widgets.text(what_if.describe_certifiable(certificate, word, unit, targets.confidence))
        if targets != self.policy.targets:
            widgets.text(what_if.describe_proposal(policy), "quiet")
        else:
            widgets.text("These are the limits in force.", "quiet")

    def _propose(self, tried: WhatIf, targets: Targets) -> None:
        may = widgets.person().may(Role.LEAD)
        st.button(
            "Propose this policy",
            key=self._key("propose"),
            type="primary",
            disabled=not may or targets == self.policy.targets,
            help=None if may else "It takes the role lead to propose a policy.",
            on_click=self._propose_now,
            args=(tried,),
        )

    def _propose_now(self, tried: WhatIf) -> None:
        past = self.window.past
        try:
            made = propose_targets(
                self.session.store,
                self.session.settings,
                self.session.explainer.bundle(self.used.bundle_sha256),
                self.product,
                tried,
                in_force=self.policy,
                window={
                    "weeks": self.weeks,
                    "cases": int(past.case_id.size),
                    "pictures": int(past.case.size),
                },
                by=widgets.person(),
            )
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        st.toast(f"Proposal {made.number} waits for a second person. Nothing has changed yet.")

    def _flips(self, tried: WhatIf) -> None:
        past, flips = self.window.past, tried.flips
        st.subheader("Verdicts that would flip", anchor=False)
        widgets.text(
            what_if.describe_flips(min(len(flips.cases), MOST), flips.total, flips.withheld)
        )
        words = tuple(self.pack.wording[one] for one in SEVERITY)
        links = []
        for case, made in zip(flips.cases, flips.verdicts, strict=True):
            answer = int(past.answer[case])
            note = what_if.describe_flip(
                SEVERITY[past.given[case]],
                SEVERITY[made],
                SEVERITY[answer] if answer >= 0 else None,
                words,
            )
            links.append((str(past.case_id[case]), note))
        if links:
            case_links(
                self.session.store,
                self.pack,
                links,
                flips.total - flips.withheld,
                "flips",
            )

    def _key(self, name: str) -> str:
        # Another policy in force starts from its own targets.
        return f"what-if-{name}-{self.pack.name}-{self.product}-{self.policy.id}"
