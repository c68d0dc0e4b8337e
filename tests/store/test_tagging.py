"""What is stored is tagged with all that is known of it."""

from service.nlp.tagger import Comment
from service.store import comments
from service.store.comments import IncomingComment
from service.store.database import Database
from service.store.tagging import to_read


def test_a_score_that_came_first_is_read_with_the_text(database: Database) -> None:
    """Score and question of an earlier message count, unless the message with the text says otherwise."""
    asked = "Что нам улучшить?"
    with database.write() as connection:
        comments.upsert(
            connection, [IncomingComment("crm", id_, score=9, question=asked) for id_ in ("1", "2")]
        )
    incoming = [
        IncomingComment("crm", "1", "долго"),
        IncomingComment("crm", "2", "долго", 3),
        IncomingComment("crm", "3", "долго"),
        IncomingComment("crm", "4", score=5),
    ]
    with database.read() as connection:
        read = to_read(connection, incoming)
    assert read == [Comment("долго", 9, asked), Comment("долго", 3, asked), Comment("долго")]
