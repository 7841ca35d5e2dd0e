"""A deployment as a value: what judges a product, and how far by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import ConfigError
from core.records.values import name_of

AUDIT_SHARE = 0.02
"""Share of automatic negatives drawn for a person, unless a deployment says another."""

SECOND_TYPED = "second person typed"
"""Evidence that the second person is a name that somebody typed, and no sign-in."""

Figure = str | int | float | bool | None
"""What one piece of evidence may be."""


class Stage(StrEnum):
    """How far a pack may act by itself, from least to most."""

    AUDIT = "audit"
    SHADOW = "shadow"
    SUPERVISED = "supervised"
    AUTOMATIC = "automatic"

    @property
    def step(self) -> int:
        """Number of the stage, from 0."""
        return list(Stage).index(self)

    @property
    def above(self) -> Stage | None:
        """The stage above; None for the last."""
        return next((one for one in Stage if one.step == self.step + 1), None)


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment as it lies in the store.

    Attributes:
        number: Its number among all deployments of the store, from 1.
        pack: The pack's name.
        product: What is judged: a part number, a site, a region; empty for whatever has no
            deployment of its own.
        bundle: Name and short hash of the bundle.
        bundle_sha256: Full hash of the bundle.
        policy_id: The policy.
        stage: How far it may act by itself, for packs that have stages of autonomy.
        audit_share: Share of the automatic negatives that is drawn at random for a person.
        deployed_by: Who.
        second_person: Who else agreed; empty for nobody.
        evidence: What the person had before them, by name.
        supersedes: Id of the deployment that was in force until then; empty for the first.
        deployed_at: When, in UTC.
    """

    number: int
    pack: str
    product: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    stage: Stage
    audit_share: float
    deployed_by: str
    second_person: str
    evidence: Mapping[str, Figure]
    supersedes: str
    deployed_at: datetime

    @property
    def is_second_typed(self) -> bool:
        """Whether nobody has verified who the second person is."""
        return bool(self.second_person) and bool(self.evidence.get(SECOND_TYPED))

    @property
    def id(self) -> str:
        """Hash of pack, product and number."""
        return name_of("deployment", self.pack, self.product, str(self.number))

    def covers(self, bundle: str, policy_id: str) -> bool:
        """Return whether a verdict of this bundle under this policy is what was deployed."""
        return (self.bundle, self.policy_id) == (bundle, policy_id)


def check_persons(by: str, second_person: str) -> None:
    """Refuse a deployment without a name, or whose second person is the first.

    Raises:
        ConfigError: As above.
    """
    if not by.strip():
        raise ConfigError(
            "A deployment needs a name to stand under; none was given.", hint="Give your name."
        )
    if by.strip().casefold() == second_person.strip().casefold():
        raise ConfigError(
            f"The second person is the first one, {by.strip()}.",
            hint="Give the name of somebody else, or none.",
        )


def refuse_leap(stage: Stage, current: Stage) -> None:
    """Refuse to go up more than one stage of autonomy at a time.

    Raises:
        ConfigError: ``stage`` lies more than one step above ``current``.
    """
    if stage.step <= current.step + 1:
        return
    expected = "no further stage" if current.above is None else f"at most {current.above.value}"
    raise ConfigError(
        f"The stage {stage.value} cannot be released: this bundle stands at {current.value}; "
        f"expected {expected}.",
        hint="Release one step after the other, each on its own evidence.",
    )
