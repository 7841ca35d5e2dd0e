"""Reviewed cases that a policy was certified on, kept beside the policies under their digest.

Without them nobody could compute the policy anew from what justifies it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.cases import Cases
from core.errors import BundleError
from core.files import write_atomic

FOLDER = "added"
_TYPES = (np.float64, np.float64, np.bool_, np.bool_, np.str_)


@dataclass(frozen=True, eq=False)
class AddedCases:
    """Labelled cases from review, with what they count beside.

    Attributes:
        cases: One entry a case.
        with_own: Whether the bundle's own held-out cases count as well. Not after an alarm: what
            was certified before it no longer describes what comes in.
    """

    cases: Cases
    with_own: bool = True

    def join(self, own: Cases) -> Cases:
        """Return the cases that a policy is certified on, the bundle's own first."""
        if not self.with_own:
            return self.cases
        pairs = ((getattr(one, f.name) for one in (own, self.cases)) for f in fields(Cases))
        return Cases(*(np.concatenate([*pair]) for pair in pairs))

    @cached_property
    def text(self) -> str:
        """Everything as canonical JSON; floats come back bit for bit."""
        content: dict[str, Any] = {
            f.name: getattr(self.cases, f.name).tolist() for f in fields(Cases)
        }
        content["with_own"] = self.with_own
        return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)

    @cached_property
    def digest(self) -> str:
        """First 32 hex digits of the sha256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32]


def write_added_cases(policies: Path, added: AddedCases) -> None:
    """Write cases into a folder of policies, under their digest."""
    folder = policies / FOLDER
    folder.mkdir(exist_ok=True)
    write_atomic(folder / f"{added.digest}.json", added.text)


def read_added_cases(policies: Path, digest: str) -> AddedCases:
    """Return the cases of a digest from a folder of policies.

    Raises:
        BundleError: They are missing, do not read, or do not hash to the digest.
    """
    file = policies / FOLDER / f"{Path(digest).name}.json"
    try:
        content = json.loads(file.read_text())
        arrays: list[NDArray[Any]] = [
            np.array(content[f.name], kind) for f, kind in zip(fields(Cases), _TYPES, strict=True)
        ]
        added = AddedCases(Cases(*arrays), bool(content["with_own"]))
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise BundleError(
            f"The reviewed cases {digest} of a policy do not read: {exc!r}.",
            hint="Roll back to an earlier policy, or recertify.",
        ) from exc
    if added.digest != digest:
        raise BundleError(
            f"{file} was altered: its content hashes to {added.digest}, its name says {digest}.",
            hint="Roll back to an earlier policy, or recertify.",
        )
    return added


def copy_added_cases(source: Path, target: Path, digest: str) -> None:
    """Copy the cases of a digest between folders of policies; nothing for an empty digest."""
    if digest:
        (target / FOLDER).mkdir(exist_ok=True)
        shutil.copyfile(source / FOLDER / f"{digest}.json", target / FOLDER / f"{digest}.json")
