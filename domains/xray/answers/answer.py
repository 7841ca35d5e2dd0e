"""What is sent back to a hospital, as plain values, and the UIDs of its objects.

An object's name is a keyed hash of everything that it is made of: made again it has the same name
and the same bytes, and other content never stands under a name that was sent before.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.decision.urgency import severity
from core.files import create_private
from core.records.values import StoredDecision
from core.types import Certificate
from domains.xray.decoding.source import Source


@dataclass(frozen=True, slots=True)
class JudgedImage:
    """One image of a case.

    Attributes:
        number: Its place among the case's images in the order received, from 1.
        decision: Its latest decision.
        source: Its header; None when it names no study or object.
    """

    number: int
    decision: StoredDecision
    source: Source | None


@dataclass(frozen=True, slots=True)
class CaseResult:
    """Everything that is sent about a case.

    Attributes:
        case_id: The case.
        images: Its images, at least one.
        study: A header of the study that is answered in.
        escape: Certificate of the negative side of the policy that made the verdict.
        overkill: Certificate of its positive side.
        version: How many reports of this case there are, this one included.
        predecessor: SOP Instance UID of the report that this one replaces; empty for the first.
    """

    case_id: str
    images: tuple[JudgedImage, ...]
    study: Source
    escape: Certificate
    overkill: Certificate
    version: int = 1
    predecessor: str = ""

    @property
    def deciding(self) -> StoredDecision:
        """The decision that makes the verdict: the worst, of these the most probable."""
        return max((one.decision for one in self.images), key=severity_of)

    @property
    def probability(self) -> float | None:
        """The largest calibrated probability of abnormal; None when no image has one."""
        probabilities = [one.decision.positive_probability for one in self.images]
        return max((p for p in probabilities if p is not None), default=None)

    @property
    def shown(self) -> tuple[JudgedImage, ...]:
        """The images that belong to the study."""
        return tuple(
            one for one in self.images if one.source and one.source.study == self.study.study
        )

    @property
    def made_at(self) -> datetime:
        """The time of its last decision, which is that of its report."""
        return max(one.decision.decided_at for one in self.images)


@dataclass(frozen=True, slots=True)
class UidMaker:
    """Makes UIDs; without ``key`` nobody can compute them or trace them back."""

    key: bytes

    def uid(self, *parts: str) -> str:
        """Return a UID: equal parts give equal UIDs.

        A version 8 UUID (RFC 9562) as a decimal under 2.25 (PS3.5 annex B.2).
        """
        content = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
        number = int.from_bytes(hashlib.blake2b(content, digest_size=16, key=self.key).digest())
        number = number & ~(0xF << 76) | 0x8 << 76
        number = number & ~(0x3 << 62) | 0x2 << 62
        return f"2.25.{number}"

    def report(self, answer: CaseResult) -> str:
        """Return the SOP Instance UID of the report of a case."""
        decisions = sorted(one.decision.id for one in answer.images)
        return self.uid("report", answer.case_id, answer.predecessor, *decisions)

    def capture(self, answer: CaseResult, image: JudgedImage) -> str:
        """Return the SOP Instance UID of an image's capture, which other images do not change."""
        return self.uid("capture", answer.case_id, image.decision.id)

    def series(self, answer: CaseResult, kind: str) -> str:
        """Return the Series Instance UID of a case's reports or captures."""
        return self.uid("series", kind, answer.case_id)


def uids_at(home: Path) -> UidMaker:
    """Return a maker of UIDs with the key of this home folder, which is made on first use.

    Raises:
        OSError: The folder cannot be read or written.
    """
    place = home / "results.key"
    if not place.exists():
        # Another process may be first: whose key lies there counts, and it never changes.
        create_private(place, secrets.token_bytes(32))
    return UidMaker(place.read_bytes())


def severity_of(decision: StoredDecision) -> tuple[int, float, str]:
    """Return a key that orders decisions as a case's verdict does: the worst last."""
    return severity(decision.disposition, decision.positive_probability, decision.id)
