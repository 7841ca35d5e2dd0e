"""Bundles that somebody altered and sealed anew."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from core.files import sha256_of
from core.model.bundle.bundle import METADATA, POLICIES, SUMS, covered_files


def reseal(folder: Path) -> None:
    """Write fitting sums, as somebody would who alters a bundle on purpose."""
    sums = [f"{sha256_of(folder / name)}  {name}\n" for name in covered_files(folder)]
    (folder / SUMS).write_text("".join(sums))


def copy_bundle(bundle: Path, folder: Path, **metadata: str) -> Path:
    """Return a copy without policies and with other metadata: another bundle, as if trained anew.

    Args:
        bundle: The bundle's folder.
        folder: Where the copy is made.
        metadata: Entries of ``bundle.json`` that the copy has in place of the bundle's own.
    """
    shutil.copytree(bundle, folder)
    shutil.rmtree(folder / POLICIES)
    known = json.loads((folder / METADATA).read_text())
    (folder / METADATA).write_text(json.dumps({**known, **metadata}))
    reseal(folder)
    return folder
