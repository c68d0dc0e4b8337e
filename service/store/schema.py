"""The tables. A change here comes with a revision in `migrations/versions`; a test compares the two."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Number = BigInteger().with_variant(Integer, "sqlite")
"""A row's own number; SQLite counts up only what it calls INTEGER."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Moment(TypeDecorator[datetime]):
    """A point in time with its zone, kept in UTC: SQLite knows no zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; for SQLite without the zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC, with the zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


comments = Table(
    "comments",
    metadata,
    Column("id", Number, primary_key=True),
    Column("source", String(100), nullable=False),
    Column("external_id", String(200), nullable=False),
    Column("respondent", String(200)),
    Column("text", Text),
    Column("question", Text),
    Column("score", SmallInteger),
    Column("answered_at", Moment),
    Column("attributes", Json),
    Column("revision", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("certainty", Float),
    Column("doubt", String(60)),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("source", "external_id"),
    CheckConstraint("score BETWEEN 0 AND 10", name="score"),
    CheckConstraint("state IN ('waiting', 'tagged', 'corrected', 'contested', 'erased')", name="state"),
    Index(None, "state", "doubt", "certainty", "id"),
    Index(None, "source", "id"),
    Index(None, "state", "id"),
    Index(None, "respondent"),
    Index(None, "answered_at"),
    sqlite_autoincrement=True,  # an id is never given twice
)
"""One row an answer. `text` is missing while only the score has come, and after a deletion on request.

`revision` counts the texts: what was predicted or corrected of an older one does not hold for a newer one.
`certainty` (the least certain decision's probability) and `doubt` (its category) are those of the current
prediction.
"""

predictions = Table(
    "predictions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("comment_id", Number, ForeignKey("comments.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("model", String(100), nullable=False),
    Column("tags", Json, nullable=False),
    Column("needs_review", Boolean, nullable=False),
    Column("certainty", Float),
    Column("doubt", String(60)),
    Column("created_at", Moment, nullable=False),
    Column("superseded_at", Moment),
    Index(
        "uq_predictions_current",
        "comment_id",
        unique=True,
        sqlite_where=text("superseded_at IS NULL"),
        postgresql_where=text("superseded_at IS NULL"),
    ),
    Index(None, "comment_id"),
    Index(None, "model", "comment_id"),
    sqlite_autoincrement=True,
)
"""Everything a model has ever said of a comment. At most one is current: that without `superseded_at`."""

corrections = Table(
    "corrections",
    metadata,
    Column("id", Number, primary_key=True),
    Column("comment_id", Number, ForeignKey("comments.id"), nullable=False),
    Column("prediction_id", Number, ForeignKey("predictions.id")),
    Column("revision", Integer, nullable=False),
    Column("proposed", Json),
    Column("tags", Json, nullable=False),
    Column("author", String(200), nullable=False),
    Column("reason", Text),
    Column("via", String(40), nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "comment_id", "id"),
    sqlite_autoincrement=True,
)
"""What people say of a comment, append-only: the proposal beside the human's tags, who, when, why, and how.

Triggers refuse to change or remove a row; only its `reason`, which may quote the comment, can be emptied.
"""

tags = Table(
    "tags",
    metadata,
    Column("comment_id", Number, ForeignKey("comments.id"), primary_key=True),
    Column("category", String(60), primary_key=True),
    Column("aspect", String(60)),
    Column("polarity", String(20), nullable=False),
    Column("probability", Float),
    Column("evidence", Json, nullable=False),
    Index(None, "category", "polarity", "comment_id"),
)
"""What holds of each comment now, to count and filter by: people's tags, or else the model's.

`evidence` is a list of `[start, stop]` in code points of the text; people's tags have no `probability`.
"""

targets = Table(
    "targets",
    metadata,
    Column("id", Number, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("name", String(2_000), nullable=False),
    Column("source", String(100)),
    Column("categories", Json),
    Column("polarities", Json),
    Column("secret", String(200)),
    Column("old_secret", String(200)),
    Column("old_secret_until", Moment),
    Column("is_on", Boolean, nullable=False),
    Column("reason", Text),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("kind", "name"),
    sqlite_autoincrement=True,
)
"""Who is told when a comment has been tagged: a webhook's URL, or a platform that takes its tags back.

`source`, `categories` and `polarities` choose which comments; missing: all. `reason` says why it is off.
"""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Number, primary_key=True),
    Column("target_id", Number, ForeignKey("targets.id"), nullable=False),
    Column("comment_id", Number, ForeignKey("comments.id"), nullable=False),
    Column("prediction_id", Number, ForeignKey("predictions.id"), nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("status", Integer),
    Column("error", Text),
    Column("created_at", Moment, nullable=False),
    Column("finished_at", Moment),
    UniqueConstraint("target_id", "prediction_id"),
    CheckConstraint("state IN ('pending', 'delivered', 'dead', 'dropped')", name="state"),
    Index(
        "ix_deliveries_pending",
        "target_id",
        "due_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(None, "state", "id"),
    sqlite_autoincrement=True,
)
"""The outbox: written with the prediction that it tells of, sent afterwards, at least once.

It holds no words of the comment: what is sent is read when it is sent, so that a deletion leaves none behind.
A delivery that is being tried is `pending` and due again when its lease ends, should the sender die.
"""

keys = Table(
    "keys",
    metadata,
    Column("id", String(8), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("scope", String(20), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)
"""API keys. `id` is the part that may be shown; `hash` is the SHA-256 of the secret part."""

cursors = Table(
    "cursors",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("scope", String(200), primary_key=True),
    Column("mark", Moment),
    Column("started_at", Moment),
    Column("next_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("woken_at", Moment),
    Column("error", Text),
)
"""Until when each survey, or kind of item, of each platform has been looked through, and when next.

A delivery that holds only ids wakes its cursor; `not_before` is the platform's limit, or the lease of whoever
is looking just now.
"""

cases = Table(
    "cases",
    metadata,
    Column("id", Number, primary_key=True),
    Column("source", String(100), nullable=False),
    Column("deal", BigInteger, nullable=False),
    Column("nps_deal", BigInteger),
    Column("state", String(20), nullable=False),
    Column("score", SmallInteger),
    Column("asked_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("thanked_at", Moment),
    Column("reviewed_at", Moment),
    UniqueConstraint("source", "deal"),
    CheckConstraint(
        "state IN ('opened', 'asked', 'satisfied', 'passive', 'dissatisfied', 'no_answer')", name="state"
    ),
    Index(None, "state", "id"),
    Index(None, "asked_at"),
    sqlite_autoincrement=True,
)
"""One row a closed deal whose customer is asked: from the question to what was done about the answer.

It holds no words, not even the deal's title, which may name a person: so a deletion has nothing to find here.
"""

inbox = Table(
    "inbox",
    metadata,
    Column("id", Number, primary_key=True),
    Column("source", String(100), nullable=False),
    Column("key", String(200), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("method", String(10), nullable=False),
    Column("query", Text, nullable=False),
    Column("headers", Json, nullable=False),
    Column("body", LargeBinary),
    Column("state", String(20), nullable=False),
    Column("problem", Text),
    Column("repeats", Integer, nullable=False),
    Column("received_at", Moment, nullable=False),
    Column("processed_at", Moment),
    UniqueConstraint("source", "key"),
    CheckConstraint("state IN ('waiting', 'done', 'ignored', 'unreadable')", name="state"),
    Index(None, "state", "id"),
    sqlite_autoincrement=True,
)
"""Deliveries of survey platforms as they came, but for their secrets; `key` is the id that a repeat has too.

`body` and `query` are emptied when they are old, and at once when a response in them is deleted.
"""

inbox_responses = Table(
    "inbox_responses",
    metadata,
    Column("inbox_id", Number, ForeignKey("inbox.id"), primary_key=True),
    Column("external_id", String(200), primary_key=True),
    Index(None, "external_id"),
)
"""Which responses a delivery speaks of, so that a deletion finds their words."""

responses = Table(
    "responses",
    metadata,
    Column("source", String(100), primary_key=True),
    Column("external_id", String(200), primary_key=True),
    Column("versions", Json, nullable=False),
    Column("is_deleted", Boolean, nullable=False),
)
"""Of each response that was delivered, how new each of its parts is: an older delivery changes nothing."""
