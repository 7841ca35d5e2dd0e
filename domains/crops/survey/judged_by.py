"""What judged a survey, and what is certified of its verdicts, as files keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.service.bundles.deployments import ProductJudge
from domains.crops.survey.zones import certificates_of


@dataclass(frozen=True, slots=True)
class JudgedBy:
    """What judged.

    Attributes:
        bundle: Name of the bundle; empty where none did.
        policy: Id of the policy.
        certificates: The sentences of the policy's certificates.
        is_certified: Whether the policy bounds how often what calls for something is missed.
    """

    bundle: str = ""
    policy: str = ""
    certificates: tuple[str, ...] = ()
    is_certified: bool = False

    @classmethod
    def of(cls, judge: ProductJudge) -> JudgedBy:
        """Return what a judge promises."""
        stated = tuple(certificates_of(judge.policy, judge.bundle.pack).values())[:2]
        certified = judge.policy.escape.certified
        return cls(judge.bundle.label, judge.policy.id, stated, is_certified=certified)


def read_judged_by(summary: Mapping[str, Any]) -> JudgedBy:
    """Return what judged, as a survey's summary states it.

    Raises:
        KeyError: It states none.
    """
    return JudgedBy(
        str(summary["bundle"]),
        str(summary["policy"]),
        tuple(map(str, summary["certificates"])),
        is_certified=summary["is_certified"] is True,
    )
