"""Opening the store that the settings name."""

from __future__ import annotations

from core.errors import ConfigError
from core.records import connection
from core.records.connection import Store
from core.settings import Settings


def open_store(settings: Settings) -> Store:
    """Return the store: PostgreSQL by URL, or SQLite in the home folder.

    Raises:
        ConfigError: The URL cannot be used, or the home folder cannot be made.
        StoreError: The database cannot be reached, or was written by newer code.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"The home folder {settings.home} cannot be made: {exc.strerror}.",
            hint="Set ASSAY_HOME to a folder that is yours.",
        ) from exc
    return connection.open_store(
        settings.store_url or settings.home / "assay.sqlite", settings.blobs
    )
