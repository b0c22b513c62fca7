"""Builds and their jobs, and what jobs are given."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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

builds = Table(
    "builds",
    metadata,
    id_column(),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("finished", Float),
)

job_runs = Table(
    "job_runs",
    metadata,
    id_column(),
    Column("build_id", Integer, ForeignKey("builds.id"), nullable=False, index=True),
    Column("project", String(64), nullable=False),
    Column("job", String(255), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("voting", Boolean, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("exit_code", Integer),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    UniqueConstraint("build_id", "project", "job", "attempt"),
)

job_results = Table(
    "job_results",  # runs that passed, by everything that could decide that
    metadata,
    Column("key", String(64), primary_key=True),
    Column("run_id", Integer, ForeignKey("job_runs.id"), nullable=False),
    Column("created", Float, nullable=False),
)

provisions = Table(
    "provisions",  # names under which the artifacts of passed runs are found
    metadata,
    Column("run_id", Integer, ForeignKey("job_runs.id"), primary_key=True),
    Column("name", String(64), primary_key=True, index=True),
)

setups = Table(
    "setups",
    metadata,
    Column("digest", String(80), primary_key=True),  # sha256:… of a set-up script
    Column("approved_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("sealed", Text, nullable=False),
    Column("set_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("created", Float, nullable=False),
    UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

holds = Table(
    "holds",
    metadata,
    id_column(),
    Column("project", String(64), nullable=False),
    Column("job", String(255), nullable=False),
    Column("asked_by", Integer, ForeignKey("principals.id"), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("run_id", Integer, ForeignKey("job_runs.id")),
    Column("place", Text, nullable=False, default=""),
)
