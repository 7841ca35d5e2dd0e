"""Opening the store that the settings name."""

from __future__ import annotations

from core.records import connection
from core.records.connection import Store
from core.settings import Settings


def open_store(settings: Settings) -> Store:
    """Open the store: PostgreSQL by URL, or SQLite in the home folder.

    Raises:
        ConfigError: The URL cannot be used.
        StoreError: The database cannot be reached, or was written by newer code.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    return connection.open_store(
        settings.store_url or settings.home / "assay.sqlite", settings.blobs
    )
