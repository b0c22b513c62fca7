"""The append-only log."""

from __future__ import annotations

from sqlalchemy import Column, Integer, String, Table, Text

from headgate.store.tables.base import metadata

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("time", String(20), nullable=False),  # microseconds; text, as 2**53 is near
    Column("kind", String(64), nullable=False, index=True),
    Column("actor", String(64), nullable=False),
    Column("subject", String(160), nullable=False, index=True),
    Column("data", Text, nullable=False),  # canonical JSON, byte for byte as hashed
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
