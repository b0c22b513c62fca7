"""What checks said of a revision, and what followed from it."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Column,
    Float,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from headgate.store.tables.base import id_column, metadata

checks = Table(
    "checks",
    metadata,
    id_column(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("seconds", Float, nullable=False, default=0.0),
    Column("skipped", JSON, nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("revision_id", "name"),
)

findings = Table(
    "findings",
    metadata,
    id_column(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False, index=True),
    Column("check_name", String(64), nullable=False),
    Column("identity", String(64), nullable=False, index=True),
    Column("rule", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("path", Text, nullable=False),  # bytes that are not UTF-8 percent-encoded on write
    Column("line", Integer, nullable=False),
    Column("body", JSON, nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    id_column(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("tier", Integer, nullable=False),
    Column("policy", String(64), nullable=False),
    Column("body", JSON, nullable=False),
    Column("created", Float, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    id_column(),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False, index=True),
    Column("approver_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("binding", JSON, nullable=False),
    Column("comment", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("void", Text, nullable=False, default=""),
)
