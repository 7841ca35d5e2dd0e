"""What a dearer candidate came to against the one kept so far, as figures and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class CandidateTrial:
    """One candidate against the one kept so far.

    Attributes:
        name: What is done differently.
        nll: Its mean negative log likelihood out of fold, in nats; None where there is none.
        than: That of the one kept so far.
        groups: How many groups they were compared on.
        kept: Whether it is clearly better.
        why: Why there is no figure, where there is none.
    """

    name: str
    nll: float | None
    than: float
    groups: int
    kept: bool
    why: str = ""

    def describe(self) -> str:
        """Return what came of it."""
        if self.nll is None:
            return f"{self.name}: {self.why}"
        end = "clearly better, kept" if self.kept else "not clearly better"
        return f"{self.name}: NLL {self.than:.3f} → {self.nll:.3f} on {self.groups} groups, {end}"


def describe_trial(trial: CandidateTrial) -> str:
    """Return what came of one candidate, as a sentence."""
    text = trial.describe()
    return f"{text[0].upper()}{text[1:]}."


def describe_trials(trials: list[CandidateTrial]) -> str:
    """Return what came of all candidates, in one sentence."""
    tried = "; ".join(trial.describe() for trial in trials)
    if not any(trial.kept for trial in trials):
        return f"Nothing tried is clearly better out of fold, so the default is kept ({tried})."
    return f"More than the default is kept, since it is clearly better out of fold ({tried})."


def trials_to_json(trials: list[CandidateTrial], summary: str) -> dict[str, object]:
    """Return for the card what was tried and what came of it."""
    return {"trials": [asdict(trial) for trial in trials], "summary": summary}
