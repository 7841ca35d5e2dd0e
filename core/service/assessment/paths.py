"""Files and folders assessed as the command line does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from core.imaging.files import Incoming
from core.imaging.zip_archive import incoming as read_incoming
from core.model.bundle.bundle import Bundle
from core.service.assessment.assessor import Assessor
from core.service.bundles.open import policy_of
from core.settings import Settings
from core.types import Assessment, Policy, Reason


def assess_paths(
    bundle: Bundle,
    paths: Iterable[Path | str],
    *,
    policy: Policy | None = None,
    settings: Settings | None = None,
    product: str = "",
) -> Iterator[Assessment]:
    """Yield the assessments of files, folders and zip archives; record nothing.

    Args:
        bundle: A verified bundle.
        paths: Files, folders (walked in order of name) and zip archives.
        policy: The thresholds; the bundle's current policy when None.
        settings: Where things run; read from the environment when None.
        product: Which of the pack's products they are of; empty for the only one.

    Yields:
        One assessment a picture, in order.
    """
    settings = settings or Settings()
    given = [Path(path) for path in paths]
    incoming = read_incoming(given, settings.max_bytes, bundle.pack.suffixes)
    judged_by = policy or policy_of(bundle)
    yield from assess_incoming(
        bundle, incoming, policy=judged_by, settings=settings, product=product
    )


def assess_incoming(
    bundle: Bundle,
    incoming: Iterable[Incoming],
    *,
    policy: Policy,
    settings: Settings,
    product: str = "",
) -> Iterator[Assessment]:
    """Yield one assessment a picture that came in, in order; record nothing."""
    with Assessor(bundle, policy, settings, product) as assessor:
        for one in assessor.many(incoming):
            yield one.assessment


def is_unread(assessment: Assessment) -> bool:
    """Return whether the picture could not be read, so that nothing was judged."""
    found = assessment.verdict.findings
    return bool(found) and all(one.reason is Reason.UNREADABLE for one in found)
