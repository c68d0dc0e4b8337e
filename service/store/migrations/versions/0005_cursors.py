"""Until when each platform has been looked through."""

import sqlalchemy as sa
from alembic import op

from service.store.schema import Moment

revision = "0005_cursors"
down_revision = "0002_outbox"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "cursors",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("scope", sa.String(200), nullable=False),
        sa.Column("mark", Moment),
        sa.Column("started_at", Moment),
        sa.Column("next_at", Moment, nullable=False),
        sa.Column("not_before", Moment, nullable=False),
        sa.Column("woken_at", Moment),
        sa.Column("error", sa.Text),
        sa.PrimaryKeyConstraint("source", "scope", name="pk_cursors"),
    )
