"""The inbox: deliveries of survey platforms, and how new what they say is."""

import sqlalchemy as sa
from alembic import op

from service.store.schema import Json, Moment, Number

revision = "0005_inbox"
down_revision = "0004_cursors"


def upgrade() -> None:
    """Create the tables."""
    _create_inbox()
    _create_responses()


def _create_inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", Number, nullable=False),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("headers", Json, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("problem", sa.Text),
        sa.Column("repeats", sa.Integer, nullable=False),
        sa.Column("received_at", Moment, nullable=False),
        sa.Column("processed_at", Moment),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("source", "key", name=op.f("uq_inbox_source_key")),
        sa.CheckConstraint(
            "state IN ('waiting', 'done', 'ignored', 'unreadable')", name=op.f("ck_inbox_state")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_inbox_state_id"), "inbox", ["state", "id"])
    op.create_table(
        "inbox_responses",
        sa.Column("inbox_id", Number, nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["inbox_id"], ["inbox.id"], name=op.f("fk_inbox_responses_inbox_id")),
        sa.PrimaryKeyConstraint("inbox_id", "external_id", name=op.f("pk_inbox_responses")),
    )
    op.create_index(op.f("ix_inbox_responses_external_id"), "inbox_responses", ["external_id"])


def _create_responses() -> None:
    op.create_table(
        "responses",
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("external_id", sa.String(200), nullable=False),
        sa.Column("versions", Json, nullable=False),
        sa.Column("is_deleted", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("source", "external_id", name=op.f("pk_responses")),
    )
