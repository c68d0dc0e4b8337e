"""Comments, predictions and corrections, kept: each promise on SQLite and on PostgreSQL."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from service.nlp.tagger import Tagger
from service.store import comments, corrections, keys, predictions, schema, search
from service.store.comments import IncomingComment
from service.store.corrections import NewCorrection
from service.store.database import Database
from service.store.erasure import Erasure, erase
from service.store.errors import (
    ConflictError,
    InvalidTagsError,
    InvalidValueError,
    MissingError,
)
from service.store.predictions import StoredTag
from service.store.search import Filter
from service.store.tagging import Kept, as_read, store_and_tag
from tests.conftest import EXAMPLE
from tests.databases import Cluster

PRICE = StoredTag("price", "value", "problem")
SALES = StoredTag("sales", None, "praise")


def _keep(database: Database, tagger: Tagger, *incoming: IncomingComment) -> list[Kept]:
    return store_and_tag(database, tagger, incoming)


def _categories(database: Database, comment_id: int) -> list[str]:
    with database.read() as connection:
        return [
            tag.category for tag in predictions.tags_that_hold(connection, [comment_id]).get(comment_id, ())
        ]


def _correct(database: Database, tagger: Tagger, comment_id: int, author: str, *tags: StoredTag) -> None:
    with database.write() as connection:
        corrections.add(connection, NewCorrection(comment_id, tags, author), tagger.taxonomy)


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
    _correct(database, tagger, first.comment.id, "Анна", PRICE)
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
    [told] = _keep(database, tagger, IncomingComment("crm", "2", attributes={"го\0род": "Ю\0г", "n": 1}))
    assert told.comment
    assert told.comment.attributes == {"го\ufffdрод": "Ю\ufffdг", "n": 1}


def test_a_value_that_postgresql_cannot_keep_is_refused(
    cluster: Cluster, postgresql_template: str, tagger: Tagger
) -> None:
    """It is the caller's mistake, and told as one, not as a database that is away."""
    database = Database(cluster.create("values", postgresql_template))
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    new = NewCorrection(kept.comment.id, (PRICE,), "Анна", reason="\0")
    with pytest.raises(InvalidValueError, match="a value cannot be stored"), database.write() as connection:
        corrections.add(connection, new, tagger.taxonomy)
    database.close()


def test_a_correction_holds(database: Database, tagger: Tagger) -> None:
    """A person's tags take the model's place; the proposal, who, when and why are kept beside them."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    with database.write() as connection:
        new = NewCorrection(kept.comment.id, (PRICE,), "Анна", reason="речь о цене", via="page", blind=True)
        correction = corrections.add(connection, new, tagger.taxonomy)
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
    _correct(database, tagger, kept.comment.id, "Анна")
    with database.write() as connection:
        comment = comments.get(connection, [kept.comment.id])[kept.comment.id]
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

    _correct(database, tagger, i, "Анна", PRICE)
    assert (state(), _categories(database, i)) == ("corrected", ["price"])
    _correct(database, tagger, i, "Борис", SALES)
    assert (state(), _categories(database, i)) == ("contested", ["sales"])
    _correct(database, tagger, i, "Борис", SALES)
    assert state() == "contested"
    _correct(database, tagger, i, "Вера", PRICE)
    assert (state(), _categories(database, i)) == ("corrected", ["price"])
    _correct(database, tagger, i, "Анна", SALES)
    assert (state(), _categories(database, i)) == ("corrected", ["sales"])


@pytest.mark.parametrize("change", ["update", "delete"])
def test_corrections_are_append_only(database: Database, tagger: Tagger, change: str) -> None:
    """The database itself refuses to change or remove one, whoever asks."""
    [kept] = _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    _correct(database, tagger, kept.comment.id, "Анна", PRICE)
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
    with pytest.raises(ConflictError, match="has no text to correct"):
        _correct(database, tagger, kept.comment.id, "Анна", PRICE)
    with pytest.raises(MissingError, match="there is no comment 99"):
        _correct(database, tagger, 99, "Анна", PRICE)


def test_half_a_batch_is_none(database: Database, tagger: Tagger) -> None:
    """A failure in the middle of a batch leaves nothing of it behind."""
    wrong = IncomingComment("crm", "2", text="дорого", score=11)
    with pytest.raises(DatabaseError):
        _keep(database, tagger, IncomingComment("crm", "1", text=EXAMPLE), wrong)
    with database.read() as connection:
        assert connection.execute(select(schema.comments.c.id)).all() == []


WRONG_TAGS = {
    "category": (
        [StoredTag("taste", None, "praise")],
        r"tags\[0\]: found the category «taste», expected one of",
    ),
    "aspect": (
        [PRICE, StoredTag("sales", "value", "praise")],
        r"tags\[1\]: found the aspect «value» of sales",
    ),
    "twice": ([PRICE, StoredTag("price", "terms", "praise")], r"tags\[1\]: price is there twice"),
    "evidence": ([StoredTag("price", None, "praise", evidence=((3, 999),))], r"found the evidence 3–999"),
}


@pytest.mark.parametrize(("tags", "message"), WRONG_TAGS.values(), ids=WRONG_TAGS.keys())
def test_wrong_tags_are_refused(
    sqlite_store: Database, tagger: Tagger, tags: list[StoredTag], message: str
) -> None:
    """What is not in the taxonomy or the text is named, and nothing is kept."""
    [kept] = _keep(sqlite_store, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    assert kept.comment
    with pytest.raises(InvalidTagsError, match=message):
        _correct(sqlite_store, tagger, kept.comment.id, "Анна", *tags)
    with sqlite_store.read() as connection:
        assert corrections.history(connection, kept.comment.id) == []


def test_an_outdated_correction_is_refused(sqlite_store: Database, tagger: Tagger) -> None:
    """Who has read an older text is told so."""
    _keep(sqlite_store, tagger, IncomingComment("crm", "1", text=EXAMPLE))
    [kept] = _keep(sqlite_store, tagger, IncomingComment("crm", "1", text="дорого"))
    assert kept.comment
    new = NewCorrection(kept.comment.id, (PRICE,), "Анна", revision=1)
    with pytest.raises(ConflictError, match="a new text"), sqlite_store.write() as connection:
        corrections.add(connection, new, tagger.taxonomy)


def test_comments_are_found(database: Database, tagger: Tagger) -> None:
    """Filters take what they name, and pages follow each other without gaps while comments come in."""
    old = datetime(2025, 1, 1, tzinfo=UTC)
    incoming = [IncomingComment("crm", str(i), text="Очень дорого", score=i % 11) for i in range(25)]
    incoming += [
        IncomingComment("shop", "s", text="Станок отличный", score=10, answered_at=old, respondent="r")
    ]
    incoming += [IncomingComment("shop", "t", score=7)]
    _keep(database, tagger, *incoming)

    def found(**conditions: Any) -> list[str]:
        with database.read() as connection:
            return [one.external_id for one in search.find(connection, Filter(**conditions), 100).comments]

    assert len(found()) == 27
    assert found(source="shop") == ["t", "s"]
    assert found(respondent="r") == found(until=old + timedelta(days=1)) == ["s"]
    assert found(state="waiting") == ["t"]
    assert found(category="quality", polarity="praise") == ["s"]
    subjects = tuple(tagger.taxonomy.tagged_for(department="quality_control"))
    assert found(subjects=(*subjects, ("price", "terms"))) == ["s"]
    assert found(subjects=()) == []
    assert found(source="crm", nps_group="promoter") == ["21", "20", "10", "9"]
    assert len(found(model=tagger.version)) == 26
    assert found(since=datetime.now(UTC)) == []
    pages: list[str] = []
    before = None
    while before is not None or not pages:
        with database.read() as connection:
            page = search.find(connection, Filter(source="crm"), 10, before)
        pages += [one.external_id for one in page.comments]
        before = page.before
        _keep(database, tagger, IncomingComment("crm", f"new{before}", score=1))
    assert pages == [str(i) for i in range(24, -1, -1)]


def test_deletion_leaves_no_words_behind(database: Database, tagger: Tagger, database_url: str) -> None:
    """Nothing that the person said is left, in a table or in the file; figures stay; it stays deleted."""
    secret = "Тайнословие"
    mine = IncomingComment(
        "crm", f"{secret}-1", text=f"{secret}: задержали поставку", score=2, question=f"{secret}?",
        respondent=secret, attributes={"город": secret},
    )  # fmt: skip
    [kept, other] = _keep(database, tagger, mine, IncomingComment("crm", "2", text="дорого", respondent="r2"))
    assert kept.comment
    assert other.comment
    with database.write() as connection:
        new = NewCorrection(kept.comment.id, (PRICE,), "Анна", reason=f"там сказано «{secret}»")
        corrections.add(connection, new, tagger.taxonomy)
    assert erase(database, Erasure(respondent=secret)) == 1
    with database.read() as connection:
        for table in schema.metadata.sorted_tables:
            assert secret not in repr(connection.execute(select(table)).all())
        left = comments.one(connection, kept.comment.id)
        assert (left.state, left.score, left.text) == ("erased", 2, None)
        assert comments.one(connection, other.comment.id).text == "дорого"
    assert _categories(database, kept.comment.id) == ["price"]
    if database.is_sqlite:
        for path in Path(str(database.url.database)).parent.glob("otklik.db*"):
            assert secret.encode() not in path.read_bytes()
    [again] = _keep(database, tagger, mine)
    assert (again.outcome, again.comment) == ("erased", None)
    with pytest.raises(MissingError):
        erase(database, Erasure(respondent=secret))


def test_keys(database: Database) -> None:
    """A key is checked by its hash, works until revoked, and only its own secret opens."""
    with database.write() as connection:
        key = keys.create(connection, "Анна", "write")
    with database.read() as connection:
        found = keys.check(connection, key)
        assert found
        assert (found.name, found.scope) == ("Анна", "write")
        assert [found.allows(scope) for scope in keys.SCOPES] == [True, True, True, False]
        stored = repr(connection.execute(select(schema.keys)).all())
        for wrong in (key[:-1], key[:-1] + "!", "otk", "", "otk_00000000_x", key.replace("otk", "abc")):
            assert keys.check(connection, wrong) is None
    assert key.split("_", 2)[2] not in stored
    with pytest.raises(ConflictError), database.write() as connection:
        keys.create(connection, "Анна", "read")
    with database.write() as connection:
        keys.revoke(connection, found.id)
    with database.read() as connection:
        revoked = keys.check(connection, key)
        assert revoked
        assert not revoked.allows("predict")
    with pytest.raises(MissingError), database.write() as connection:
        keys.revoke(connection, found.id)
