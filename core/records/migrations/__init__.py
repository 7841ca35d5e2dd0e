"""Steps from one shape of the tables to the next, run by `core.records.connection.open_store`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import StoreError


def upgrade(connection: Connection) -> None:
    """Bring the tables up to this code's schema inside the caller's transaction.

    Raises:
        StoreError: The tables were written by newer code.
    """
    config = Config()
    # Alembic expands percent signs in its options, and a path may hold some.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present - known:
        raise StoreError(
            f"The store has schema {', '.join(sorted(present))}; "
            f"this code knows schemas up to {max(known)}.",
            hint="Install the version of Assay that wrote it, or a newer one.",
        )
    command.upgrade(config, "head")
