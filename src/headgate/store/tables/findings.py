"""Findings over the life of a branch, and what people said of them."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
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

tracked_findings = Table(
    "tracked_findings",  # one row for each finding that a branch has or had
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("identity", String(64), nullable=False, index=True),
    Column("rule", Text, nullable=False, index=True),
    Column("check_name", String(64), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("first_seen", Float, nullable=False),
    Column("first_commit", String(64), nullable=False),
    Column("last_seen", Float, nullable=False),
    Column("last_commit", String(64), nullable=False),
    Column("fixed", Float),
    Column("owner", Text, nullable=False, default=""),
    Column("owner_source", String(16), nullable=False, default=""),
    Column("rank", Integer, nullable=False),
    Column("body", JSON, nullable=False),
    UniqueConstraint("project_id", "branch", "identity"),
)

finding_acts = Table(
    "finding_acts",  # what people said of findings, on every branch
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("identity", String(64), nullable=False, index=True),
    Column("rule", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("principal_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("silences", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("expires", Float),
    Column("created", Float, nullable=False),
    Column("ended", Float),
)

branch_scans = Table(
    "branch_scans",
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("created", Float, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("counts", JSON, nullable=False),
    Index("ix_branch_scans_branch", "project_id", "branch"),
)
