"""Cases without the titles of deals, which may name a person; and when a customer was thanked."""

import sqlalchemy as sa
from alembic import op

from service.store.schema import Moment

revision = "0007_cases"
down_revision = "0006_pages"


def upgrade() -> None:
    """Remove the titles, which the portal has, and note who is thanked."""
    op.execute("UPDATE cases SET title = ''")
    op.drop_column("cases", "title")
    op.add_column("cases", sa.Column("thanked_at", Moment))
