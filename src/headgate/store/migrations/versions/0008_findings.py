"""Findings of branches, what people said of them, and the scans that saw them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tracked_findings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("check_name", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.Float(), nullable=False),
        sa.Column("first_commit", sa.String(length=64), nullable=False),
        sa.Column("last_seen", sa.Float(), nullable=False),
        sa.Column("last_commit", sa.String(length=64), nullable=False),
        sa.Column("fixed", sa.Float(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_source", sa.String(length=16), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_tracked_findings_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tracked_findings")),
        sa.UniqueConstraint(
            "project_id",
            "branch",
            "identity",
            name=op.f("uq_tracked_findings_project_id_branch_identity"),
        ),
    )
    for column in ("identity", "rule", "state"):
        name = op.f(f"ix_tracked_findings_{column}")
        op.create_index(name, "tracked_findings", [column], unique=False)
    op.create_table(
        "finding_acts",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("principal_id", sa.Integer(), nullable=False),
        sa.Column("silences", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=True),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_finding_acts_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["principals.id"],
            name=op.f("fk_finding_acts_principal_id_principals"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding_acts")),
    )
    name = op.f("ix_finding_acts_identity")
    op.create_index(name, "finding_acts", ["identity"], unique=False)
    op.create_table(
        "branch_scans",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_branch_scans_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_branch_scans")),
    )
    op.create_index("ix_branch_scans_branch", "branch_scans", ["project_id", "branch"])


def downgrade() -> None:
    for table in ("branch_scans", "finding_acts", "tracked_findings"):
        op.drop_table(table)
