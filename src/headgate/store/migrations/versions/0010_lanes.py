"""What queues of lanes remember over a restart, and failures of jobs by what they saw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "trials", sa.Column("rules", sa.String(length=64), nullable=False, server_default="")
    )
    op.create_table(
        "lane_marks",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("asked_again", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_lane_marks_item_id_items")
        ),
        sa.PrimaryKeyConstraint("item_id", name=op.f("pk_lane_marks")),
    )
    op.create_table(
        "lane_conflicts",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_lane_conflicts_item_id_items")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["items.id"], name=op.f("fk_lane_conflicts_other_id_items")
        ),
        sa.PrimaryKeyConstraint("item_id", "other_id", name=op.f("pk_lane_conflicts")),
    )
    op.create_table(
        "lane_witnesses",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("landed_id", sa.Integer(), nullable=False),
        sa.Column("beside", sa.JSON(), nullable=False),
        sa.Column("near", sa.JSON(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["items.id"], name=op.f("fk_lane_witnesses_item_id_items")
        ),
        sa.ForeignKeyConstraint(
            ["landed_id"], ["items.id"], name=op.f("fk_lane_witnesses_landed_id_items")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lane_witnesses")),
    )
    op.create_index(op.f("ix_lane_witnesses_item_id"), "lane_witnesses", ["item_id"])
    op.create_table(
        "unsteady_jobs",
        sa.Column("queue_id", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("job", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["queues.id"], name=op.f("fk_unsteady_jobs_queue_id_queues")
        ),
        sa.PrimaryKeyConstraint("queue_id", "project", "job", name=op.f("pk_unsteady_jobs")),
    )
    op.create_table(
        "job_failures",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["job_runs.id"], name=op.f("fk_job_failures_run_id_job_runs")
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_job_failures")),
    )
    for column in ("key", "created"):
        op.create_index(op.f(f"ix_job_failures_{column}"), "job_failures", [column])


def downgrade() -> None:
    for table in (
        "job_failures",
        "unsteady_jobs",
        "lane_witnesses",
        "lane_conflicts",
        "lane_marks",
    ):
        op.drop_table(table)
    op.drop_column("trials", "rules")
