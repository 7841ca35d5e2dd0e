"""The shelf: a copy of every bundle that ever judged, so that any past verdict can be explained.

A verdict must stay replayable after its bundle was trained anew in the same folder.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from core.errors import BundleError
from core.files import flush, write_atomic
from core.model.bundle.bundle import POLICIES, Bundle
from core.service.bundles.added_cases import AddedCases, copy_added_cases, write_added_cases
from core.service.bundles.archived import place_on_shelf
from core.service.bundles.open import open_bundle, policy_of, write_policy
from core.settings import Settings
from core.types import Policy


def keep(bundle: Bundle, policy: Policy, settings: Settings) -> None:
    """Copy a bundle, and the policy it is used with, to the shelf unless they are there."""
    place = place_on_shelf(bundle.sha256, settings)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=place.parent))
        shutil.copytree(
            bundle.path, draft, dirs_exist_ok=True, ignore=shutil.ignore_patterns(POLICIES)
        )
        try:
            flush([*draft.rglob("*"), draft])
            draft.rename(place)
            flush([place.parent])
        except OSError:
            # Another process was first; its copy has the same hash.
            shutil.rmtree(draft)
    file = Path(POLICIES) / f"{policy.id}.json"
    if not (place / file).exists():
        (place / POLICIES).mkdir(exist_ok=True)
        copy_added_cases(bundle.path / POLICIES, place / POLICIES, policy.added)
        write_atomic(place / file, (bundle.path / file).read_bytes())


def keep_recertified(
    bundle: Bundle, policy: Policy, added: AddedCases | None, settings: Settings
) -> None:
    """Write a policy with its reviewed cases to the shelf, where its bundle lies already.

    Raises:
        BundleError: The bundle never judged into this store.
    """
    folder = shelf_of(bundle.sha256, settings) / POLICIES
    folder.mkdir(exist_ok=True)
    if added is not None:
        write_added_cases(folder, added)
    write_policy(policy, folder)


def policy_on_shelf(bundle: Bundle, policy_id: str, settings: Settings) -> Policy:
    """Return a policy of a bundle from the shelf, or from the bundle's folder where that lacks it.

    Raises:
        BundleError: Neither has it, or it was altered.
    """
    place = place_on_shelf(bundle.sha256, settings)
    if not (place / POLICIES / f"{policy_id}.json").is_file():
        return policy_of(bundle, policy_id)
    return policy_of(replace(bundle, path=place), policy_id)


def take(sha256: str, settings: Settings) -> Bundle:
    """Return a bundle from the archive, verified as ever.

    Raises:
        BundleError: No bundle of that hash ever judged into this store, or the copy was altered.
    """
    return open_bundle(shelf_of(sha256, settings), settings)


def shelf_of(sha256: str, settings: Settings) -> Path:
    """Return the folder of a bundle that judged.

    Raises:
        BundleError: No bundle of that hash ever judged into this store.
    """
    place = place_on_shelf(sha256, settings)
    if not place.is_dir():
        raise BundleError(
            f"The folder {place.parent} has no bundle by which this was judged.",
            hint="Bring it back from a backup, or point ASSAY_HOME at the folder that the verdict "
            "was recorded in.",
        )
    return place
