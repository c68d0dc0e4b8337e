"""The database itself: its form, its address, and what happens when it is not to be had."""

from pathlib import Path

import pytest
from sqlalchemy import inspect

from service.store import schema
from service.store.database import Database
from service.store.errors import StoreError, StoreUnavailableError
from service.store.migrate import _all_revisions, upgrade
from service.store.revision import is_up_to_date, newest_revision


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


def test_the_newest_form_is_known_without_the_libraries(sqlite_store: Database, tmp_path: Path) -> None:
    """A quick look tells a file in the newest form from one that has to be upgraded, or is not there."""
    assert newest_revision() == _all_revisions()[-1]
    assert is_up_to_date(str(sqlite_store.url))
    with sqlite_store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001_comments'")
    assert not is_up_to_date(str(sqlite_store.url))
    assert not is_up_to_date(f"sqlite:///{tmp_path}/none.db")
    assert not is_up_to_date("postgresql://user@host/database")


def test_a_newer_database_is_refused(database: Database) -> None:
    """A database of a later version is left alone, with a word on what to do."""
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999_later'")
    with pytest.raises(StoreError, match="revision «9999_later», which this version of Отклик does not know"):
        upgrade(database)


@pytest.mark.parametrize(
    "url",
    ["", "otklik.db", "mysql://u:p@host/db", "sqlite://", "sqlite:///:memory:", "sqlite+aiosqlite:///a.db"],
)
def test_urls_of_no_store(url: str) -> None:
    """What is neither a SQLite file nor PostgreSQL is refused, with what is expected and no password."""
    with pytest.raises(StoreError, match=r"expected sqlite:///path/to/file.db or postgresql://") as error:
        Database(url)
    assert "u:p" not in str(error.value)


def test_a_locked_file_is_unavailable(sqlite_store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the file, the store says so, and works again afterwards."""
    monkeypatch.setattr("service.store.database._BUSY_SECONDS", 0.2)
    waiting = Database(sqlite_store.url.render_as_string(hide_password=False))
    with (
        sqlite_store.write(),
        pytest.raises(StoreUnavailableError, match="does not answer: database is locked"),
        waiting.write(),
    ):
        pass
    with waiting.write():
        pass
    waiting.close()
