"""Trials of queues of lanes, what these remember, and failures of jobs by what they saw."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from headgate.store.tables.base import id_column, metadata

trials = Table(
    "trials",  # of queues of lanes
    metadata,
    id_column(),
    Column("queue_id", Integer, ForeignKey("queues.id"), nullable=False, index=True),
    Column("purpose", String(16), nullable=False),
    Column("members", JSON, nullable=False),
    Column("assumed", JSON, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("heads", JSON, nullable=False),  # [[project, branch, commit], …]
    Column("before", JSON, nullable=False),
    Column("shown", JSON, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("reason", Text, nullable=False, default=""),
    Column("culprits", JSON(none_as_null=True)),
    Column("build_id", Integer, ForeignKey("builds.id"), index=True),
    Column("baseline_id", Integer, ForeignKey("builds.id"), index=True),
    Column("reused", JSON, nullable=False),
    Column("expected", Float, nullable=False),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Column("rules", String(64), nullable=False, default="", server_default=""),
    Index("ix_trials_queue_state", "queue_id", "state"),
)

lane_marks = Table(
    "lane_marks",  # what has happened to the units of items in queues of lanes
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("most", Integer),
    Column("proven", Boolean, nullable=False, default=False),
    Column("asked_again", Boolean, nullable=False, default=False),
    Column("confirmed", Integer, nullable=False, default=0),
)

lane_conflicts = Table(
    "lane_conflicts",  # that only showed when the two met; both ways
    metadata,
    Column("item_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("other_id", Integer, ForeignKey("items.id"), primary_key=True),
    Column("why", Text, nullable=False),
)

lane_witnesses = Table(
    "lane_witnesses",  # landed items whose own builds had tested them with waiting ones
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("item_id", Integer, ForeignKey("items.id"), nullable=False, index=True),
    Column("landed_id", Integer, ForeignKey("items.id"), nullable=False),
    Column("beside", JSON, nullable=False),
    Column("near", JSON, nullable=False),
    Column("epoch", Integer, nullable=False),
)

unsteady_jobs = Table(
    "unsteady_jobs",  # that returned what no key can tell
    metadata,
    Column("queue_id", Integer, ForeignKey("queues.id"), primary_key=True),
    Column("project", String(64), primary_key=True),
    Column("job", String(255), primary_key=True),
)

job_failures = Table(
    "job_failures",  # runs that failed, by everything that could decide that
    metadata,
    Column("run_id", Integer, ForeignKey("job_runs.id"), primary_key=True),
    Column("key", String(64), nullable=False, index=True),
    Column("created", Float, nullable=False, index=True),
)
