"""Pipelines, tags, pushes that wait for a verdict, and items that are promoted or held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("items", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "items", sa.Column("held", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "pipeline_marks",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_pipeline_marks")),
    )
    op.create_table(
        "pipeline_runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("trigger", sa.String(length=24), nullable=False),
        sa.Column("cause", sa.String(length=80), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("change", sa.Integer(), nullable=True),
        sa.Column("revision_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=True),
        sa.Column("commit", sa.String(length=64), nullable=True),
        sa.Column("tree", sa.String(length=64), nullable=True),
        sa.Column("future", sa.JSON(), nullable=False),
        sa.Column("build_id", sa.Integer(), nullable=True),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("reported", sa.Boolean(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=True),
        sa.Column("finished", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["build_id"], ["builds.id"], name=op.f("fk_pipeline_runs_build_id_builds")
        ),
        sa.ForeignKeyConstraint(
            ["change"], ["changes.number"], name=op.f("fk_pipeline_runs_change_changes")
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_pipeline_runs_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"], ["revisions.id"], name=op.f("fk_pipeline_runs_revision_id_revisions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pipeline_runs")),
        sa.UniqueConstraint(
            "pipeline",
            "project_id",
            "branch",
            "cause",
            name=op.f("uq_pipeline_runs_pipeline_project_id_branch_cause"),
        ),
    )
    for column in ("build_id", "change", "pipeline", "state"):
        op.create_index(op.f(f"ix_pipeline_runs_{column}"), "pipeline_runs", [column], unique=False)
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("object", sa.String(length=64), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("pusher_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_tags_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["pusher_id"], ["principals.id"], name=op.f("fk_tags_pusher_id_principals")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_tags_project_id_name")),
    )
    op.create_table(
        "parked_pushes",
        sa.Column("change", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("pusher_id", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change"], ["changes.number"], name=op.f("fk_parked_pushes_change_changes")
        ),
        sa.ForeignKeyConstraint(
            ["pusher_id"], ["principals.id"], name=op.f("fk_parked_pushes_pusher_id_principals")
        ),
        sa.PrimaryKeyConstraint("change", name=op.f("pk_parked_pushes")),
    )
