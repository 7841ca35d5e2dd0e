"""A bundle's card: what it was trained on, what came out, and with which versions."""

from __future__ import annotations

import hashlib
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from core.checking.facts import UnreadablePicture
from core.decision.splits import CAL_KEY, CAL_SHARE
from core.labelled import Row, lone_group
from core.model.fitting.fit import Fit
from core.service.data.pictures import PictureFeatures

SOURCE_CHARS = 4000
_DISTRIBUTIONS = (
    "assay-inspection",
    "numpy",
    "scikit-learn",
    "onnxruntime",
    "opencv-python-headless",
)


def make_card(
    data: Path,
    seed: int,
    rows: Sequence[Row],
    readable: Sequence[PictureFeatures],
    unreadable: Sequence[UnreadablePicture],
    fitted: Fit,
    hashes: Mapping[str, Sequence[str]],
    remarks: Mapping[str, str],
) -> dict[str, Any]:
    """Return the card: data, fit and versions of a bundle.

    Args:
        data: The data set as it was given.
        seed: Seed of folds.
        rows: The rows of train and cal.
        readable: Those that could be read.
        unreadable: Those that could not.
        fitted: What came out.
        hashes: Of what evaluation must not use: ``pictures`` and ``cal``.
        remarks: From ``list_data_remarks``, on the whole data set.

    Returns:
        ``data`` (source, counts, fingerprint), ``hashes`` (of what evaluation must not use),
        ``fit`` (heads tried, folds' figures) and ``versions``.
    """
    digests = sorted(one.prepared.sha256 for one in readable)
    return {
        "data": {
            "fingerprint": _digest("\n".join(digests)),
            "counts": _counts(rows),
            "unreadable": [f"{one.row.file.name}: {one.message}" for one in unreadable],
            "refused": sum(bool(one.prepared.findings) for one in readable),
            "attribution": _attribution(data),
            **remarks,
        },
        "hashes": hashes,
        "fit": {
            "seed": seed,
            "cal_key": CAL_KEY,
            "cal_share": CAL_SHARE,
            "head": fitted.head,
            "nll": dict(fitted.nll),
            "shares": {name: share.tolist() for name, share in fitted.shares.items()},
        },
        "versions": {name: version(name) for name in _DISTRIBUTIONS}
        | {"python": platform.python_version(), "machine": platform.machine()},
    }


def list_data_remarks(
    rows: Sequence[Row], group_columns: Sequence[str], left_out: Sequence[Row]
) -> dict[str, str]:
    """Return what a person should know of a data set before believing the rates counted on it.

    Args:
        rows: All rows, of every split.
        group_columns: The pack's.
        left_out: Rows that are not among them, being of one origin with some of an earlier split.

    Returns:
        ``set_aside`` (the splits that neither train nor certify), ``left_out`` (what was taken
        away) and ``grouping`` (why pictures stand alone), each a sentence or empty.
    """
    aside = Counter(row.split for row in rows if row.split not in ("", "train", "cal"))
    listed = ", ".join(f"{count} of split {name!r}" for name, count in sorted(aside.items()))
    away = Counter(row.split for row in left_out)
    gone = ", ".join(f"{count} of split {name!r}" for name, count in sorted(away.items()))
    column, value = lone_group(rows, group_columns)
    return {
        "set_aside": f"Set aside, neither trained nor certified on: {listed}." if aside else "",
        "left_out": f"Left out, being of one origin with an earlier split: {gone}." if away else "",
        "grouping": f"The column {column!r} holds {value!r} for all {len(rows)} pictures, so each "
        "stands alone: the rates are over pictures of that one, and say nothing of others."
        if column
        else "",
    }


def _counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    parts = sorted({row.split for row in rows})
    return {
        p: dict(Counter(name for row in rows if row.split == p for name in row.labels))
        for p in parts
    }


def _attribution(data: Path) -> str:
    file = (data if data.is_dir() else data.parent) / "SOURCE.md"
    return file.read_text(errors="replace")[:SOURCE_CHARS] if file.is_file() else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
