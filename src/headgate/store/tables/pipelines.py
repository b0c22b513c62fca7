"""Runs of pipelines, and the tags that set them off."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
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

pipeline_runs = Table(
    "pipeline_runs",
    metadata,
    id_column(),
    Column("pipeline", String(64), nullable=False, index=True),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),  # empty for a tag
    Column("tag", Text, nullable=False, default=""),
    Column("trigger", String(24), nullable=False),
    Column("cause", String(80), nullable=False),  # one run for each cause, however often it is told
    Column("actor", String(64), nullable=False),
    Column("change", Integer, ForeignKey("changes.number"), index=True),
    Column("revision_id", Integer, ForeignKey("revisions.id")),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("base", String(64)),
    Column("commit", String(64)),
    Column("tree", String(64)),
    Column("future", JSON, nullable=False),  # [[project, branch, commit], …]
    Column("build_id", Integer, ForeignKey("builds.id"), index=True),
    Column("rounds", Integer, nullable=False, default=0),
    Column("reported", Boolean, nullable=False, default=False),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    UniqueConstraint("pipeline", "project_id", "branch", "cause"),
)

pipeline_marks = Table(
    "pipeline_marks",  # how far the log of events and the clock have been followed
    metadata,
    Column("name", String(160), primary_key=True),
    Column("value", Float, nullable=False),
)

tags = Table(
    "tags",
    metadata,
    id_column(),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("object", String(64), nullable=False),  # the tag itself, when it is annotated
    Column("commit", String(64), nullable=False),
    Column("pusher_id", Integer, ForeignKey("principals.id"), nullable=False),
    Column("state", String(16), nullable=False),  # announced before git takes it, then pushed
    Column("created", Float, nullable=False),
    UniqueConstraint("project_id", "name"),
)
