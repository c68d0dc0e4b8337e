"""Brings a database to the form that this version of Отклик expects."""

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from service.store.database import Database
from service.store.errors import StoreError
from service.store.schema import metadata

_FOLDER = Path(__file__).with_name("migrations")

_LOCK = 0x6F746B6C696B
"""Of PostgreSQL's advisory locks, the one that keeps two upgrades apart."""


def upgrade(database: Database) -> list[str]:
    """Apply the revisions that `database` lacks, all or none of them; their names.

    Raises: StoreError if the database is of a newer version; StoreUnavailableError if it does not answer.
    """
    with database.write() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        before = _known_revisions(connection, database)
        _run(connection)
        return [revision for revision in _all_revisions() if revision not in before]


def _known_revisions(connection: Connection, database: Database) -> set[str]:
    """The revisions that the database has."""
    head = MigrationContext.configure(connection).get_current_revision()
    revisions = _all_revisions()
    if head is None:
        return set()
    if head not in revisions:
        raise StoreError(
            f"{database.address}: found revision «{head}», which this version of Отклик does not know; "
            "use the version that made it, or a newer one"
        )
    return set(revisions[: revisions.index(head) + 1])


def _all_revisions() -> list[str]:
    """Every revision, the first first."""
    return [script.revision for script in _scripts().walk_revisions()][::-1]


def _run(connection: Connection) -> None:
    """Apply what is missing in the transaction of `connection`."""
    scripts = _scripts()

    def to_head(revision: Any, _: MigrationContext) -> Any:  # noqa: ANN401  # Alembic's own types
        return scripts._upgrade_revs("head", revision)

    with EnvironmentContext(Config(), scripts, fn=to_head) as environment:
        environment.configure(connection=connection, target_metadata=metadata)
        environment.run_migrations()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(_FOLDER))
