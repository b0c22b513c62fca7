"""Queues, their items in assumed futures, and landings."""

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
    false,
)

from headgate.store.tables.base import id_column, metadata

queues = Table(
    "queues",
    metadata,
    id_column(),
    Column("name", String(160), nullable=False, unique=True),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("window", Integer, nullable=False),
)

items = Table(
    "items",
    metadata,
    id_column(),
    Column("queue_id", Integer, ForeignKey("queues.id"), nullable=False, index=True),
    Column("change", Integer, ForeignKey("changes.number"), nullable=False, index=True),
    Column("revision_id", Integer, ForeignKey("revisions.id"), nullable=False),
    Column("project_id", Integer, ForeignKey("projects.id"), nullable=False),
    Column("branch", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("reason", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("priority", Integer, nullable=False, default=0, server_default="0"),
    Column("held", Boolean, nullable=False, default=False, server_default=false()),
    UniqueConstraint("queue_id", "position"),
    Index("ix_items_queue_state", "queue_id", "state"),
    Index("ix_items_queue_finished", "queue_id", "finished"),
)

nodes = Table(
    "nodes",
    metadata,
    id_column(),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False, index=True),
    Column("assumed", JSON, nullable=False),
    Column("base", String(64), nullable=False),
    Column("commit", String(64)),
    Column("tree", String(64)),
    Column("future", JSON, nullable=False),  # [[project, branch, commit], …]
    Column("unit", JSON, nullable=False, default=list, server_default="[]"),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("build_id", Integer, ForeignKey("builds.id")),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("trial_id", Integer, index=True),  # of trials; none in a chain
)

landings = Table(
    "landings",
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("project", String(64), nullable=False),
    Column("branch", Text, nullable=False),
    Column("change", Integer, ForeignKey("changes.number"), nullable=False),
    Column("before", String(64), nullable=False),
    Column("commit", String(64), nullable=False),
    Column("tested_tree", String(64), nullable=False),
    Column("landed_tree", String(64), nullable=False),
    Column("time", Float, nullable=False),
    Column("unit", JSON, nullable=False, default=list, server_default="[]"),
)
