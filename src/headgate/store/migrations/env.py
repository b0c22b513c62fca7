"""Run by Alembic; the connection is handed in by `store.schema`."""

from __future__ import annotations

from alembic import context

from headgate.store.tables.base import metadata

connection = context.config.attributes["connection"]
connection.exec_driver_sql("BEGIN IMMEDIATE")
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
