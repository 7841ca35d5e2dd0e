"""Steps from one shape of the tables to the next, run by `core.records.connection.open_store`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from core.errors import StoreError


def upgrade(connection: Connection, announce: Callable[[str], None]) -> bool:
    """Return whether the case status has to be worked out anew, once the tables are up to date.

    They are brought to this code's schema inside the caller's transaction. A step that changes what
    the case status or its facets hold says so by ``changes_case_status = True``: working them out
    takes a minute for a million cases, and an index or a table more does not need it.

    Args:
        connection: An open one.
        announce: Called with the schema of an older store before its tables change.

    Raises:
        StoreError: The tables were written by newer code.
    """
    config = Config()
    # Alembic expands percent signs in its options, and a path may hold some.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    known = {step.revision for step in steps}
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present - known:
        raise StoreError(
            f"The store has schema {', '.join(sorted(present))}; "
            f"this code knows schemas up to {max(known)}.",
            hint="Install the version of Assay that wrote it, or a newer one.",
        )
    for revision in sorted(present - {steps[0].revision}):
        announce(revision)
    command.upgrade(config, "head")
    # A new store has no cases.
    new = takewhile(lambda step: step.revision not in present, steps) if present else ()
    return any(getattr(step.module, "changes_case_status", False) for step in new)
