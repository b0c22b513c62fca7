"""Packages that have landed, findings about them, and requests for new ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "package_requests",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("ecosystem", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=True),
        sa.Column("change", sa.Integer(), nullable=True),
        sa.Column("requested_by", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("decided", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_package_requests_project_id_projects")
        ),
        sa.ForeignKeyConstraint(
            ["change"], ["changes.number"], name=op.f("fk_package_requests_change_changes")
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"],
            ["principals.id"],
            name=op.f("fk_package_requests_requested_by_principals"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"],
            ["principals.id"],
            name=op.f("fk_package_requests_decided_by_principals"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_requests")),
    )
    op.create_index(op.f("ix_package_requests_change"), "package_requests", ["change"])
    op.create_index(op.f("ix_package_requests_state"), "package_requests", ["state"])
    op.create_index("ix_package_requests_package", "package_requests", ["ecosystem", "name"])
    op.create_table(
        "landed_trees",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("read", sa.Float(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_landed_trees_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("project_id", "branch", name=op.f("pk_landed_trees")),
    )
    op.create_table(
        "landed_packages",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("ecosystem", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("direct", sa.Boolean(), nullable=False),
        sa.Column("development", sa.Boolean(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_landed_packages_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_landed_packages")),
    )
    op.create_index("ix_landed_packages_project", "landed_packages", ["project_id", "branch"])
    op.create_index("ix_landed_packages_package", "landed_packages", ["ecosystem", "name"])
    op.create_table(
        "package_findings",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("branch", sa.Text(), nullable=False),
        sa.Column("identity", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("ecosystem", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("advisories", sa.JSON(), nullable=False),
        sa.Column("opened", sa.Float(), nullable=False),
        sa.Column("due", sa.Float(), nullable=True),
        sa.Column("closed", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_package_findings_project_id_projects")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_package_findings")),
    )
    op.create_index(op.f("ix_package_findings_closed"), "package_findings", ["closed"])
    op.create_index(
        "ix_package_findings_identity", "package_findings", ["project_id", "branch", "identity"]
    )
    op.create_table(
        "match_runs",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("begun", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float(), nullable=False),
        sa.Column("packages", sa.Integer(), nullable=False),
        sa.Column("opened", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("data_as_of", sa.Float(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("unused", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_runs")),
    )


def downgrade() -> None:
    for table in (
        "match_runs",
        "package_findings",
        "landed_packages",
        "landed_trees",
        "package_requests",
    ):
        op.drop_table(table)
