"""Training anew on reviewed cases: offered where it would help, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from core.errors import AssayError, ConfigError
from core.model.bundle.bundle import Bundle
from core.people import Role
from core.records.failed_jobs import JobStatus, job_status
from core.records.job import State
from core.records.values import name_of
from core.service.recertify.collected import Collected
from core.service.recertify.retraining import RetrainSpec, retraining_reason
from core.service.review.review import ReviewSession
from core.types import Policy
from dashboard import present, widgets

_FOLLOW_S = 2.0
_OVER = {State.DONE, State.FAILED, State.GIVEN_UP, State.CANCELLED}


@dataclass(frozen=True)
class RetrainingPanel:
    """What is offered for one product.

    Attributes:
        session: The store.
        bundle: The bundle that judges.
        policy: The policy in force.
        product: The product.
        collected: What review has given.
    """

    session: ReviewSession
    bundle: Bundle
    policy: Policy
    product: str
    collected: Collected

    def render(self) -> None:
        """Draw it; a training under way is shown as it goes on."""
        certified = self.policy.escape.certified
        reason = retraining_reason(self.collected, self.bundle, is_certified=certified)
        if self._status() is not None:
            self._follow()
        if not reason:
            widgets.text(
                "Training anew is offered here once enough new parts, patients or fields were "
                "reviewed.",
                "quiet",
            )
            return
        widgets.text(f"Training anew may help: {reason}")
        st.text_input(
            "Folder of the labelled pictures that it was trained on",
            key=self._key("data"),
            help="On the computer that `assay worker` runs on.",
        )
        st.button(
            "Train anew",
            key=self._key("train"),
            disabled=not widgets.person().may(Role.LEAD),
            on_click=self._ask,
            help="The new bundle judges nothing until somebody deploys it.",
        )

    @st.fragment(run_every=_FOLLOW_S)
    def _follow(self) -> None:
        found = self._status()
        if found is None:
            return
        if found.state is State.DONE:
            made = found.result
            widgets.text(
                f"Trained anew: {made.get('bundle')}, with {made.get('reviewed')} reviewed "
                f"pictures. `assay deploy {made.get('path')} --product {self.product}` deploys it."
            )
        elif found.state in _OVER:
            widgets.text(f"Training anew ended: {found.problem or found.state.value}", "error")
        elif found.progress is None:
            widgets.text("Training anew waits for a worker: `assay worker` runs one.")
        else:
            step = found.progress
            share = step.done / step.total if step.total else 0.0
            st.progress(min(max(share, 0.0), 1.0), present.escape_markdown(step.sentence))

    def _ask(self) -> None:
        from core.jobs.use_cases import submit  # trains, so that it imports much

        by = widgets.person()
        try:
            by.require(Role.LEAD, "train anew")
            data = Path(str(st.session_state.get(self._key("data"), "")).strip())
            if not data.is_absolute() or not data.exists():
                raise ConfigError(
                    f"There is nothing at {data}; expected a folder or a table by its full path.",
                    hint="Give where the pictures lie that the bundle was trained on.",
                )
            name = f"{self.bundle.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
            out = self.session.settings.home.resolve() / "trained" / name
            out.parent.mkdir(parents=True, exist_ok=True)
            spec = RetrainSpec(self.bundle.sha256, data, out, self.product)
            submit(self.session.store, spec, self.bundle.pack.name, key=self._job)
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))

    @property
    def _job(self) -> str:
        return f"{self.bundle.sha256} {self.product}".strip()

    def _status(self) -> JobStatus | None:
        return job_status(self.session.store, name_of("retrain", self._job))

    def _key(self, name: str) -> str:
        return f"retraining-{name}-{self.product}"
