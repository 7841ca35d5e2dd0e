"""Alembic's entry: runs the steps on the connection that `open_store` holds."""

from alembic import context

from core.records.tables import Row

context.configure(connection=context.config.attributes["connection"], target_metadata=Row.metadata)
with context.begin_transaction():
    context.run_migrations()
