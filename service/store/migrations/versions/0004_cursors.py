"""Until when each platform has been looked through, and the closed deals that are asked about."""

import sqlalchemy as sa
from alembic import op

from service.store.schema import Moment, Number

revision = "0004_cursors"
down_revision = "0003_keys"


def upgrade() -> None:
    """Create the tables."""
    _create_cursors()
    _create_cases()


def _create_cursors() -> None:
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


def _create_cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", Number, nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("deal", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("nps_deal", sa.BigInteger),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("score", sa.SmallInteger),
        sa.Column("asked_at", Moment, nullable=False),
        sa.Column("answered_at", Moment),
        sa.Column("reviewed_at", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.UniqueConstraint("source", "deal", name="uq_cases_source_deal"),
        sa.CheckConstraint(
            "state IN ('opened', 'asked', 'satisfied', 'passive', 'dissatisfied', 'no_answer')",
            name=op.f("ck_cases_state"),
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_cases_state_id", "cases", ["state", "id"])
    op.create_index("ix_cases_asked_at", "cases", ["asked_at"])
