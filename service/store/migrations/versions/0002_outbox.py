"""The outbox: who is told of tagged comments, and what is still to be told."""

import sqlalchemy as sa
from alembic import op

from service.store.schema import Json, Moment, Number

revision = "0002_outbox"
down_revision = "0001_comments"

_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Create the tables."""
    _create_targets()
    _create_deliveries()


def _create_targets() -> None:
    op.create_table(
        "targets",
        sa.Column("id", Number, nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.String(2_000), nullable=False),
        sa.Column("source", sa.String(100)),
        sa.Column("categories", Json),
        sa.Column("polarities", Json),
        sa.Column("secret", sa.String(200)),
        sa.Column("old_secret", sa.String(200)),
        sa.Column("old_secret_until", Moment),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("created_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_targets"),
        sa.UniqueConstraint("kind", "name", name="uq_targets_kind_name"),
        sqlite_autoincrement=True,
    )


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", Number, nullable=False),
        sa.Column("target_id", Number, nullable=False),
        sa.Column("comment_id", Number, nullable=False),
        sa.Column("prediction_id", Number, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", Moment, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("error", sa.Text),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("finished_at", Moment),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.ForeignKeyConstraint(["target_id"], ["targets.id"], name="fk_deliveries_target_id"),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_deliveries_comment_id"),
        sa.ForeignKeyConstraint(["prediction_id"], ["predictions.id"], name="fk_deliveries_prediction_id"),
        sa.UniqueConstraint("target_id", "prediction_id", name="uq_deliveries_target_id_prediction_id"),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'dead', 'dropped')", name=op.f("ck_deliveries_state")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_deliveries_pending",
        "deliveries",
        ["target_id", "due_at"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index("ix_deliveries_state_id", "deliveries", ["state", "id"])
