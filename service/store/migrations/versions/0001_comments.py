"""Comments, predictions, the tags that hold, and corrections."""

import sqlalchemy as sa
from alembic import op

from service.store.schema import Json, Moment, Number

revision = "0001_comments"
down_revision = None

_SQLITE_GUARDS = (
    """
    CREATE TRIGGER corrections_stay BEFORE DELETE ON corrections
    BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END
    """,
    """
    CREATE TRIGGER corrections_are_not_changed BEFORE UPDATE ON corrections
    WHEN NEW.reason IS NOT NULL
      OR (NEW.id, NEW.comment_id, NEW.prediction_id, NEW.revision, NEW.proposed)
        IS NOT (OLD.id, OLD.comment_id, OLD.prediction_id, OLD.revision, OLD.proposed)
      OR (NEW.tags, NEW.author, NEW.via, NEW.blind, NEW.created_at)
        IS NOT (OLD.tags, OLD.author, OLD.via, OLD.blind, OLD.created_at)
    BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END
    """,
)
_POSTGRESQL_GUARDS = (
    """
    CREATE FUNCTION refuse_to_change_corrections() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        OLD.reason := NULL;
        IF NEW IS NOT DISTINCT FROM OLD THEN RETURN NEW; END IF;
      END IF;
      RAISE EXCEPTION 'corrections are append-only';
    END $$
    """,
    """
    CREATE TRIGGER corrections_stay BEFORE UPDATE OR DELETE ON corrections
    FOR EACH ROW EXECUTE FUNCTION refuse_to_change_corrections()
    """,
    """
    CREATE TRIGGER corrections_are_not_truncated BEFORE TRUNCATE ON corrections
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_corrections()
    """,
)


def upgrade() -> None:
    """Create the tables, and the triggers that keep corrections append-only."""
    _create_comments()
    _create_predictions()
    _create_tags()
    _create_corrections()
    guards = _POSTGRESQL_GUARDS if op.get_bind().dialect.name == "postgresql" else _SQLITE_GUARDS
    for guard in guards:
        op.execute(guard)


def _create_comments() -> None:
    op.create_table(
        "comments",
        sa.Column("id", Number, nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("respondent", sa.String(length=200)),
        sa.Column("text", sa.Text()),
        sa.Column("question", sa.Text()),
        sa.Column("score", sa.SmallInteger()),
        sa.Column("answered_at", Moment),
        sa.Column("attributes", Json),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("certainty", sa.Float()),
        sa.Column("doubt", sa.String(length=60)),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'tagged', 'corrected', 'contested', 'erased')",
            name=op.f("ck_comments_state"),
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name=op.f("ck_comments_score")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_comments_source_external_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_comments_answered_at"), "comments", ["answered_at"])
    op.create_index(op.f("ix_comments_respondent"), "comments", ["respondent"])
    op.create_index(
        op.f("ix_comments_state_doubt_certainty_id"), "comments", ["state", "doubt", "certainty", "id"]
    )


def _create_predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", Number, nullable=False),
        sa.Column("comment_id", Number, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=100), nullable=False),
        sa.Column("tags", Json, nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("certainty", sa.Float()),
        sa.Column("doubt", sa.String(length=60)),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("superseded_at", Moment),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_predictions_comment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_predictions_comment_id"), "predictions", ["comment_id"])
    op.create_index(op.f("ix_predictions_model_comment_id"), "predictions", ["model", "comment_id"])
    op.create_index(
        "uq_predictions_current",
        "predictions",
        ["comment_id"],
        unique=True,
        sqlite_where=sa.text("superseded_at IS NULL"),
        postgresql_where=sa.text("superseded_at IS NULL"),
    )


def _create_tags() -> None:
    op.create_table(
        "tags",
        sa.Column("comment_id", Number, nullable=False),
        sa.Column("category", sa.String(length=60), nullable=False),
        sa.Column("aspect", sa.String(length=60)),
        sa.Column("polarity", sa.String(length=20), nullable=False),
        sa.Column("probability", sa.Float()),
        sa.Column("evidence", Json, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_tags_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", "category", name=op.f("pk_tags")),
    )
    op.create_index(
        op.f("ix_tags_category_polarity_comment_id"), "tags", ["category", "polarity", "comment_id"]
    )


def _create_corrections() -> None:
    op.create_table(
        "corrections",
        sa.Column("id", Number, nullable=False),
        sa.Column("comment_id", Number, nullable=False),
        sa.Column("prediction_id", Number),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("proposed", Json),
        sa.Column("tags", Json, nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("via", sa.String(length=40), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_corrections_comment_id")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_corrections_prediction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corrections")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_corrections_comment_id_id"), "corrections", ["comment_id", "id"])
