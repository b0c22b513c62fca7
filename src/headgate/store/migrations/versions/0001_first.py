"""The first schema."""

from __future__ import annotations

from alembic import op

from headgate.store.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every table, as `store.tables` has them. The next version spells its differences out."""
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
