"""Trials of queues of lanes, and results of jobs that may stand for others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trials",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("members", sa.JSON(), nullable=False),
        sa.Column("assumed", sa.JSON(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("heads", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("culprits", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("baseline_id", sa.Integer(), nullable=True),
        sa.Column("reused", sa.JSON(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("finished", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["queues.id"], name=op.f("fk_trials_queue_id_queues")
        ),
        sa.ForeignKeyConstraint(
            ["build_id"], ["builds.id"], name=op.f("fk_trials_build_id_builds")
        ),
        sa.ForeignKeyConstraint(
            ["baseline_id"], ["builds.id"], name=op.f("fk_trials_baseline_id_builds")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trials")),
    )
    for column in ("queue_id", "state", "build_id", "baseline_id"):
        op.create_index(op.f(f"ix_trials_{column}"), "trials", [column], unique=False)
    op.create_table(
        "job_results",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["job_runs.id"], name=op.f("fk_job_results_run_id_job_runs")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_job_results")),
    )
    op.add_column("nodes", sa.Column("trial_id", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_nodes_trial_id"), "nodes", ["trial_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_nodes_trial_id"), table_name="nodes")
    op.drop_column("nodes", "trial_id")
    op.drop_table("job_results")
    op.drop_table("trials")
