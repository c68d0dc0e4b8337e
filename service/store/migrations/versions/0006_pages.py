"""Pages of one source or one state without sorting all of it."""

from alembic import op

revision = "0006_pages"
down_revision = "0005_inbox"


def upgrade() -> None:
    """Create the indexes."""
    op.create_index("ix_comments_source_id", "comments", ["source", "id"])
    op.create_index("ix_comments_state_id", "comments", ["state", "id"])
