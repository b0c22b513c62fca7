"""Projects, and who works on them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, String, Table, Text

from headgate.store.tables.base import id_column, metadata

projects = Table(
    "projects",
    metadata,
    id_column(),
    Column("name", String(64), nullable=False, unique=True),
    Column("default_branch", Text, nullable=False),
    Column("source", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
)

principals = Table(
    "principals",
    metadata,
    id_column(),
    Column("name", String(64), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("display", Text, nullable=False),
    Column("email", Text, nullable=False, default=""),
    Column("sponsor_id", Integer, ForeignKey("principals.id")),
    Column("disabled", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    id_column(),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False, index=True),
    Column("label", Text, nullable=False),
    Column("lookup", String(32), nullable=False, unique=True),
    Column("hash", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
)

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),  # session, or link: a one-time sign-in code
    Column("digest", String(64), nullable=False, unique=True),
    Column("csrf", String(64), nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("ended", Float),
)
