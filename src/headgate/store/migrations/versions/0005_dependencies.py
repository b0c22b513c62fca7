"""What changes wait for outside of this server, and heads that stacks are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_revisions_head"), "revisions", ["head"], unique=False)
    op.create_table(
        "external_dependencies",
        sa.Column("change", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("principal_id", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change"], ["changes.number"], name=op.f("fk_external_dependencies_change_changes")
        ),
        sa.ForeignKeyConstraint(
            ["principal_id"],
            ["principals.id"],
            name=op.f("fk_external_dependencies_principal_id_principals"),
        ),
        sa.PrimaryKeyConstraint("change", "address", name=op.f("pk_external_dependencies")),
    )


def downgrade() -> None:
    op.drop_table("external_dependencies")
    op.drop_index(op.f("ix_revisions_head"), table_name="revisions")
