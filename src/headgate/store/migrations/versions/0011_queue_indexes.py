"""What waits in a queue is found without looking at all that ever did."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_items_queue_state", "items", ["queue_id", "state"])
    op.create_index("ix_items_queue_finished", "items", ["queue_id", "finished"])
    op.create_index("ix_trials_queue_state", "trials", ["queue_id", "state"])


def downgrade() -> None:
    op.drop_index("ix_trials_queue_state", "trials")
    op.drop_index("ix_items_queue_finished", "items")
    op.drop_index("ix_items_queue_state", "items")
