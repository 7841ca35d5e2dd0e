"""Alembic's entry: runs the steps on the connection that `open_store` holds."""

from alembic import context

from core.records.tables import TableRow

context.configure(
    connection=context.config.attributes["connection"], target_metadata=TableRow.metadata
)
with context.begin_transaction():
    context.run_migrations()
