"""The record of what was certified on which cases, kept at home: it outlives a bundle's folder.

Who trains again on the same data, with another seed or another network, certifies on the same
held-out pictures. To keep the best of several would be to look for luck, so all count together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from core.model.bundle.bundle import Bundle
from core.types import Policy, Targets

FILE = "certifications.jsonl"
_SKETCH = 64
_SAME = 0.5


def sketch(pictures: Iterable[str]) -> list[str]:
    """Return the lowest hashes of a set, by which sets can be compared without their members.

    Source: Broder, On the resemblance and containment of documents, SEQUENCES 1997.

    Args:
        pictures: sha256 of each.
    """
    hashes = {hashlib.sha256(f"cal\0{one}".encode()).hexdigest()[:16] for one in pictures}
    return sorted(hashes)[:_SKETCH]


def resemblance(one: Sequence[str], other: Sequence[str]) -> float:
    """Return the share of all members of two sets that are in both, estimated from sketches."""
    lowest = sorted({*one, *other})[:_SKETCH]
    both = set(one) & set(other)
    return sum(name in both for name in lowest) / len(lowest) if lowest else 0.0


def attempt_at(home: Path, bundle: Bundle, targets: Targets, added: str = "") -> int:
    """Return which certification these targets are on the pictures that a bundle holds out.

    Every pair of a bundle and targets counts once, and once more with every set of reviewed cases
    (``added``, their digest). Held-out sets that share half of their pictures are one set.
    """
    return recorded_attempt(home, bundle, targets, added) or 1 + attempts(home, bundle)


def recorded_attempt(home: Path, bundle: Bundle, targets: Targets, added: str = "") -> int:
    """Return which certification these targets were, as in ``attempt_at``; 0 for none yet."""
    for one in _entries(home, bundle):
        known = one["bundle"], one["targets"], one.get("added", "")
        if known == (bundle.sha256, asdict(targets), added):
            return int(one["attempt"])
    return 0


def attempts(home: Path, bundle: Bundle) -> int:
    """Return how many certifications were made on the pictures that a bundle holds out."""
    return max((int(one["attempt"]) for one in _entries(home, bundle)), default=0)


def note(home: Path, bundle: Bundle, policy: Policy) -> None:
    """Write down that a policy was certified; nothing is written twice."""
    entry = {
        "cal": bundle.metadata["hashes"]["cal"],
        "bundle": bundle.sha256,
        "targets": asdict(policy.targets),
        "attempt": policy.attempt,
        **({"added": policy.added} if policy.added else {}),
    }
    if entry in list(_entries(home, bundle)):
        return
    home.mkdir(parents=True, exist_ok=True)
    with (home / FILE).open("a") as file:
        file.write(json.dumps(entry, sort_keys=True) + "\n")


def _entries(home: Path, bundle: Bundle) -> Iterator[dict[str, Any]]:
    """Yield what is on record of the same held-out pictures."""
    file = home / FILE
    held_out = bundle.metadata["hashes"]["cal"]
    for line in file.read_text().splitlines() if file.is_file() else ():
        try:
            entry = json.loads(line)
            if resemblance(entry["cal"], held_out) >= _SAME:
                yield entry
        except (ValueError, KeyError, TypeError):  # a line that was torn while it was written
            continue
