"""The decoder processes of a bundle."""

from __future__ import annotations

from core.imaging.sandbox import Sandbox
from core.model.bundle.bundle import Bundle
from core.packs import entry_of
from core.settings import Settings


def decoders_of(bundle: Bundle, settings: Settings) -> Sandbox:
    """Return decoder processes that read and prepare pictures as a bundle takes them."""
    return Sandbox(entry_of(bundle.pack.name), bundle.backbone.size, settings, bundle.model.depths)
