"""The use cases. Command line, dashboard and every pack's surface call these and nothing below."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.service.assessment.paths import assess_paths
    from core.service.bundles.open import open_bundle

__all__ = ["assess_paths", "open_bundle"]

_HOME = {
    "assess_paths": "core.service.assessment.paths",
    "open_bundle": "core.service.bundles.open",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401
    # Imported when asked for: a page or a command that opens no bundle starts a second sooner.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
