"""What is known of an archived bundle without opening it, which takes seconds."""

from __future__ import annotations

import json
from pathlib import Path

from core.settings import Settings

_METADATA = "bundle.json"  # as core.model.bundle.bundle.WORDS, whose import takes seconds


def place_on_shelf(sha256: str, settings: Settings) -> Path:
    """Return the folder of a bundle that judged."""
    return settings.home / "bundles" / sha256


def depths_on_shelf(sha256: str, settings: Settings) -> dict[str, int]:
    """Return the bits that the data of each source use, by a bundle's words alone.

    Nothing is decided by this: a picture is shown with it.
    """
    try:
        metadata = json.loads((place_on_shelf(sha256, settings) / _METADATA).read_bytes())
        return {name: int(bits) for name, bits in metadata["model"]["depths"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
