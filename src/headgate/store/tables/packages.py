"""Packages: those asked for, those that have landed, and what is known of them."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from headgate.store.tables.base import id_column, metadata

package_requests = Table(
    "package_requests",
    metadata,
    id_column(),
    Column("ecosystem", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("project_id", Integer, ForeignKey("projects.id")),
    Column("change", Integer, ForeignKey("changes.number"), index=True),
    Column("requested_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("decided_by", Integer, ForeignKey("principals.id")),
    Column("comment", Text, nullable=False, default=""),
    Column("decided", Float),
    Index("ix_package_requests_package", "ecosystem", "name"),
)

landed_trees = Table(
    "landed_trees",  # the branch whose packages landed_packages holds
    metadata,
    Column("project_id", Integer, ForeignKey("projects.id"), primary_key=True),
    Column("branch", Text, primary_key=True),
    Column("commit", String(64), nullable=False),
    Column("read", Float, nullable=False),
    Column("problems", JSON, nullable=False),
)

landed_packages = Table(
    "landed_packages",
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("ecosystem", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("direct", Boolean, nullable=False),
    Column("development", Boolean, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("licence", Text, nullable=False),
    Column("source", Text, nullable=False),
    Index("ix_landed_packages_project", "project_id", "branch"),
    Index("ix_landed_packages_package", "ecosystem", "name"),
)

package_findings = Table(
    "package_findings",
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("identity", String(64), nullable=False),
    Column("rule", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("ecosystem", String(32), nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("remedy", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("line", Integer, nullable=False),
    Column("advisories", JSON, nullable=False),
    Column("opened", Float, nullable=False),
    Column("due", Float),
    Column("closed", Float, index=True),
    Index("ix_package_findings_identity", "project_id", "branch", "identity"),
)

match_runs = Table(
    "match_runs",
    metadata,
    id_column(),
    Column("begun", Float, nullable=False),
    Column("ended", Float, nullable=False),
    Column("packages", Integer, nullable=False),
    Column("opened", Integer, nullable=False),
    Column("closed", Integer, nullable=False),
    Column("unknown", Integer, nullable=False),
    Column("data_as_of", Float),
    Column("problem", Text, nullable=False),
    Column("unused", JSON, nullable=False),
)
