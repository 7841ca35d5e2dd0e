"""A bundle's card: what it was trained on, what came out, and with which versions."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.labelled import Row
from core.model.fitting import Fit
from core.service.reading import Seen, Unseen

SOURCE_CHARS = 4000
_DISTRIBUTIONS = (
    "assay-inspection",
    "numpy",
    "scikit-learn",
    "onnxruntime",
    "opencv-python-headless",
)


def card(
    data: Path,
    seed: int,
    rows: Sequence[Row],
    seen: Sequence[Seen],
    unseen: Sequence[Unseen],
    fitted: Fit,
) -> dict[str, Any]:
    """Write down what a bundle rests on.

    Returns:
        ``data`` (source, counts, fingerprint), ``seen`` (hashes that evaluation must not meet
        again), ``fit`` (heads tried, folds' figures) and ``versions``.
    """
    digests = sorted(one.prepared.sha256 for one in seen)
    return {
        "data": {
            "fingerprint": _digest("\n".join(digests)),
            "counts": _counts(rows),
            "unreadable": [f"{one.row.file.name}: {one.message}" for one in unseen],
            "refused": sum(bool(one.prepared.findings) for one in seen),
            "attribution": _attribution(data),
        },
        "seen": {
            "pictures": digests,
            "groups": sorted({_digest(row.group) for row in rows if row.grouped}),
        },
        "fit": {"seed": seed, "head": fitted.head, "nll": dict(fitted.nll)},
        "versions": {name: version(name) for name in _DISTRIBUTIONS}
        | {"python": platform.python_version(), "machine": platform.machine()},
    }


def met_before(seen: Mapping[str, Any], rows: Sequence[Row], pictures: Sequence[str]) -> list[str]:
    """Name the groups and pictures of a data set that a bundle was trained or certified on.

    Args:
        seen: The card's ``seen``.
        rows: The data set's rows.
        pictures: sha256 of each row's picture, empty where unreadable.
    """
    groups, known = set(seen["groups"]), set(seen["pictures"])
    met = {row.group for row in rows if row.grouped and _digest(row.group) in groups}
    met |= {r.file.name for r, sha256 in zip(rows, pictures, strict=True) if sha256 in known}
    return sorted(met)


def _counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    parts = sorted({row.split for row in rows})
    return {p: dict(Counter(row.label for row in rows if row.split == p)) for p in parts}


def _attribution(data: Path) -> str:
    file = (data if data.is_dir() else data.parent) / "SOURCE.md"
    return file.read_text(errors="replace")[:SOURCE_CHARS] if file.is_file() else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
