"""Cases without the titles of deals, which may name a person: the portal has them."""

from alembic import op

revision = "0007_untitled_cases"
down_revision = "0006_pages"


def upgrade() -> None:
    """Remove the titles."""
    op.execute("UPDATE cases SET title = ''")
    op.drop_column("cases", "title")
