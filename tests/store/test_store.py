"""Comments, predictions and corrections, kept: each promise on SQLite and on PostgreSQL."""

import pytest
from sqlalchemy import delete, inspect, select, update
from sqlalchemy.exc import DatabaseError

from service.nlp.tagger import Tagger
from service.store import comments, corrections, predictions, schema
from service.store.comments import IncomingComment
from service.store.corrections import NewCorrection
from service.store.database import Database
from service.store.errors import StoreError
from service.store.migrate import upgrade
from service.store.predictions import StoredTag
from service.store.tagging import Kept, store_and_tag
from tests.conftest import EXAMPLE

PRICE = StoredTag("price", "value", "problem")
SALES = StoredTag("sales", None, "praise")


def _keep(database: Database, tagger: Tagger, *incoming: IncomingComment) -> list[Kept]:
    return store_and_tag(database, tagger, incoming)


def _categories(database: Database, comment_id: int) -> list[str]:
    with database.read() as connection:
        return [
            tag.category for tag in predictions.tags_that_hold(connection, [comment_id]).get(comment_id, ())
        ]


def _correct(database: Database, comment_id: int, author: str, *tags: StoredTag) -> None:
    with database.write() as connection:
        corrections.add(connection, NewCorrection(comment_id, tags, author))


def test_migrations_make_the_tables_of_the_schema(database: Database) -> None:
    """What the revisions build is what the code expects: nothing left for Alembic to add or remove."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
        names = set(inspect(connection).get_table_names())
    assert names - {"alembic_version"} == set(schema.metadata.tables)


def test_an_upgrade_is_done_once(database: Database) -> None:
    """A second upgrade finds nothing to do and changes nothing."""
    assert upgrade(database) == []


def test_a_newer_database_is_refused(database: Database) -> None:
    """A database of a later version is left alone, with a word on what to do."""
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_later'")
    with pytest.raises(StoreError, match="revision «9999_later», which this version of Отклик does not know"):
        upgrade(database)


def test_score_first_comment_later(database: Database, tagger: Tagger) -> None:
    """The two halves of an answer become one comment, tagged when its text is there."""
    [first] = _keep(database, tagger, IncomingComment("crm", "1", score=3))
    assert first.comment
    assert (first.outcome, first.comment.state, first.prediction_id) == ("created", "waiting", None)
    [second] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert second.comment
    assert (second.outcome, second.comment.id, second.comment.score) == ("updated", first.comment.id, 3)
    assert second.comment.state == "tagged"
    assert second.prediction_id is not None
    assert _categories(database, first.comment.id) == ["logistics", "quality"]


def test_the_same_again_changes_nothing(database: Database, tagger: Tagger) -> None:
    """A delivery that comes twice is one comment with one prediction."""
    incoming = IncomingComment("crm", "1", text=EXAMPLE, score=3)
    [first] = _keep(database, tagger, incoming)
    [again] = _keep(database, tagger, incoming)
    assert first.comment
    assert again.comment
    assert (again.comment.id, again.comment.revision, again.prediction_id) == (first.comment.id, 1, None)
    with database.read() as connection:
        assert len(predictions.history(connection, first.comment.id)) == 1


def test_ids_are_of_their_source(database: Database, tagger: Tagger) -> None:
    """The same id in two sources is two comments; twice in one batch it is one, the later words winning."""
    kept = _keep(
        database,
        tagger,
        IncomingComment("crm", "1", text="дорого"),
        IncomingComment("shop", "1", text="дорого"),
        IncomingComment("crm", "1", text="Цена отличная", score=9),
    )
    ids = [one.comment.id for one in kept if one.comment]
    assert ids[0] == ids[2] != ids[1]
    assert kept[0].comment
    assert (kept[0].comment.text, kept[0].comment.score) == ("Цена отличная", 9)


def test_a_new_text_is_tagged_anew_and_the_old_prediction_stays(database: Database, tagger: Tagger) -> None:
    """A changed text counts up the revision; the earlier prediction is kept beside the current one."""
    [first] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert first.comment
    _correct(database, first.comment.id, "Анна", PRICE)
    [changed] = _keep(
        database, tagger, IncomingComment("crm", "1", text="Цена слишком высокая, очень дорого")
    )
    assert changed.comment
    assert (changed.comment.revision, changed.comment.state) == (2, "tagged")
    assert _categories(database, first.comment.id) == ["price"]
    with database.read() as connection:
        history = predictions.history(connection, first.comment.id)
        assert [one.revision for one in history] == [1, 2]
        assert predictions.current(connection, [first.comment.id])[first.comment.id] == history[1]


def test_a_nul_is_kept_apart_from_the_database(database: Database, tagger: Tagger) -> None:
    """A character that PostgreSQL cannot keep becomes a mark of the same length: evidence stays in place."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=f"\0{EXAMPLE}"))
    assert kept.comment
    assert kept.comment.text == f"\ufffd{EXAMPLE}"


def test_a_correction_holds(database: Database, tagger: Tagger) -> None:
    """A person's tags take the model's place; the proposal, who, when and why are kept beside them."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    with database.write() as connection:
        new = NewCorrection(kept.comment.id, (PRICE,), "Анна", reason="речь о цене", via="page", blind=True)
        correction = corrections.add(connection, new)
    assert correction.prediction_id == kept.prediction_id
    assert correction.proposed
    assert [tag.category for tag in correction.proposed] == ["logistics", "quality"]
    assert (correction.tags, correction.author, correction.reason) == ((PRICE,), "Анна", "речь о цене")
    assert _categories(database, kept.comment.id) == ["price"]
    with database.read() as connection:
        [(read, comment)] = corrections.all_with_texts(connection)
    assert (read, comment.state) == (correction, "corrected")


def test_a_new_model_does_not_overrule_people(database: Database, tagger: Tagger) -> None:
    """After a new prediction of the same text, what a person said still holds."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    _correct(database, kept.comment.id, "Анна")
    with database.write() as connection:
        comment = comments.get(connection, [kept.comment.id])[kept.comment.id]
        results = tagger.tag([])
        assert predictions.add(connection, [], results, "later") == {}
        from service.store.tagging import as_read

        ids = predictions.add(connection, [comment], tagger.tag([as_read(comment)]), "later")
    assert list(ids) == [kept.comment.id]
    assert _categories(database, kept.comment.id) == []


def test_corrections_that_contradict_each_other(database: Database, tagger: Tagger) -> None:
    """Two views contest a comment, the latest holding; a third voice decides; a changed mind is one voice."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    i = kept.comment.id

    def state() -> str:
        with database.read() as connection:
            return comments.get(connection, [i])[i].state

    _correct(database, i, "Анна", PRICE)
    assert (state(), _categories(database, i)) == ("corrected", ["price"])
    _correct(database, i, "Борис", SALES)
    assert (state(), _categories(database, i)) == ("contested", ["sales"])
    _correct(database, i, "Борис", SALES)
    assert state() == "contested"
    _correct(database, i, "Вера", PRICE)
    assert (state(), _categories(database, i)) == ("corrected", ["price"])
    _correct(database, i, "Анна", SALES)
    assert (state(), _categories(database, i)) == ("corrected", ["sales"])


@pytest.mark.parametrize("change", ["update", "delete"])
def test_corrections_are_append_only(database: Database, tagger: Tagger, change: str) -> None:
    """The database itself refuses to change or remove one, whoever asks."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    _correct(database, kept.comment.id, "Анна", PRICE)
    table = schema.corrections
    statement = update(table).values(author="Борис") if change == "update" else delete(table)
    with pytest.raises(DatabaseError, match="append-only"), database.write() as connection:
        connection.execute(statement)
    with database.read() as connection:
        assert connection.execute(select(table.c.author)).scalars().all() == ["Анна"]


def test_nothing_to_correct(database: Database, tagger: Tagger) -> None:
    """A comment that is not there, or has no text, is told from one that can be corrected."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", score=3))
    assert kept.comment
    with pytest.raises(StoreError, match="has no text to correct"):
        _correct(database, kept.comment.id, "Анна", PRICE)
    with pytest.raises(StoreError, match="there is no comment 99"):
        _correct(database, 99, "Анна", PRICE)


def test_half_a_batch_is_none(database: Database, tagger: Tagger) -> None:
    """A failure in the middle of a batch leaves nothing of it behind."""
    wrong = IncomingComment("crm", "2", text="дорого", score=11)
    with pytest.raises(DatabaseError):
        _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE), wrong)
    with database.read() as connection:
        assert connection.execute(select(schema.comments.c.id)).all() == []
