"""Items that are tested as one and land together."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("nodes", "landings"):
        column = sa.Column("unit", sa.JSON(), nullable=False, server_default="[]")
        op.add_column(table, column)


def downgrade() -> None:
    for table in ("landings", "nodes"):
        op.drop_column(table, "unit")
