"""Changes, their revisions, and what they wait for."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from headgate.store.tables.base import id_column, metadata

changes = Table(
    "changes",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False, index=True),
    Column("branch", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("owner_id", Integer, ForeignKey("principals.id"), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("revision", Integer, nullable=False),
    Column("entry", String(16), nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("landed_commit", String(64)),
    Index("ix_changes_topic", "project_id", "branch", "owner_id", "topic"),
)

revisions = Table(
    "revisions",
    metadata,
    id_column(),
    Column("change", Integer, ForeignKey("changes.number"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("head", String(64), nullable=False, index=True),
    Column("base", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("pusher_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("options", JSON, nullable=False),
    Column("depends_on", JSON, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("change", "number"),
)

revision_commits = Table(
    "revision_commits",
    metadata,
    Column("revision_id", Integer, ForeignKey("revisions.id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),  # oldest first
    Column("commit", String(64), nullable=False, index=True),
    Column("info", JSON, nullable=False),
    Column("origin", JSON, nullable=False),
)

revision_dependencies = Table(
    "revision_dependencies",  # of current revisions only: who waits for whom
    metadata,
    Column("change", Integer, ForeignKey("changes.number"), primary_key=True),
    Column("depends_on", Integer, ForeignKey("changes.number"), primary_key=True, index=True),
)

external_dependencies = Table(
    "external_dependencies",  # only those that a human has said to be fulfilled
    metadata,
    Column("change", Integer, ForeignKey("changes.number"), primary_key=True),
    Column("address", Text, primary_key=True),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("comment", Text, nullable=False),
    Column("created", Float, nullable=False),
)

parked_pushes = Table(
    "parked_pushes",  # revisions that wait until the one in the queue has its verdict
    metadata,
    Column("change", Integer, ForeignKey("changes.number"), primary_key=True, autoincrement=False),
    Column("head", String(64), nullable=False),
    Column("ref", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("pusher_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("created", Float, nullable=False),
)
