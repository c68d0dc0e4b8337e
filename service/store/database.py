"""Opens a database by its URL and runs transactions: SQLite embedded, PostgreSQL where there is one.

A transaction of `write` is whole or not at all, and survives a power cut once its block has ended: SQLite
runs with a write-ahead log and `synchronous=FULL`, PostgreSQL as its server is set.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.store.errors import InvalidValueError, StoreError, StoreUnavailableError

SQLITE = "sqlite"
POSTGRESQL = "postgresql"

_WRITES = "otklik_writes"
"""Execution option of a connection that is going to write."""

_BUSY_SECONDS = 5
"""How long to wait for another process's write before the store counts as unavailable."""

_UNAVAILABLE = (OperationalError, InterfaceError, DatabaseError, PoolTimeoutError)
"""Not the statement is wrong, but the server or the file: `DatabaseError` itself is of a damaged one."""

_POSTGRESQL_ARGUMENTS = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""A server that is gone is noticed in seconds, not when the kernel gives up after a quarter of an hour."""


_JSON = {"json_serializer": lambda value: orjson.dumps(value).decode(), "json_deserializer": orjson.loads}
"""Several times as fast as the standard library's."""


class Database:
    """One database; safe to use from several threads. Connects when first used."""

    def __init__(self, url: str) -> None:
        """Raises: StoreError if `url` is not that of a SQLite file or a PostgreSQL database."""
        self.url = _parse(url)
        self.engine = _create_engine(self.url)
        self._writing = threading.Lock() if self.is_sqlite else None

    @property
    def address(self) -> str:
        """The URL without its password, for messages."""
        return self.url.render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database."""
        return self.url.get_backend_name() == SQLITE

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the data. Raises: StoreError, StoreUnavailableError."""
        with self._transaction({}) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is stored whole when the block ends, and not at all when it raises.

        Raises: StoreError, StoreUnavailableError.
        """
        with self._one_writer(), self._transaction({_WRITES: True}) as connection:
            yield connection

    def close(self) -> None:
        """Close the connections that no transaction holds."""
        self.engine.dispose()

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """In SQLite one writes at a time: threads wait in line here, other processes by polling the file."""
        if self._writing is None:
            yield
            return
        if not self._writing.acquire(timeout=_BUSY_SECONDS):
            raise StoreUnavailableError(f"{self.address} does not answer: another write takes too long")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _transaction(self, options: dict[str, Any]) -> Iterator[Connection]:
        try:
            with self.engine.connect() as connection, connection.execution_options(**options).begin():
                yield connection
        except DataError as error:
            raise InvalidValueError(f"a value cannot be stored: {_cause(error)}") from error
        except (DBAPIError, PoolTimeoutError) as error:
            if type(error) not in _UNAVAILABLE:
                raise
            raise self._explain(error) from error

    def _explain(self, error: Exception) -> StoreError:
        cause = _cause(error)
        if "no such table" in cause or "no such column" in cause:
            return StoreError(f"{self.address}: found an older form ({cause}); run otklik store upgrade")
        return StoreUnavailableError(f"{self.address} does not answer: {cause}")


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", error)).strip().splitlines()[0]


def _parse(url: str) -> URL:
    hint = "expected sqlite:///path/to/file.db or postgresql://user:password@host/database"
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreError(f"OTKLIK_DATABASE: found no database URL; {hint}") from None
    if parsed.get_backend_name() == POSTGRESQL:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == SQLITE and parsed.database and parsed.database != ":memory:":
        return parsed
    raise StoreError(f"OTKLIK_DATABASE: found a URL of «{parsed.drivername}»; {hint}")


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() == POSTGRESQL:
        return create_engine(
            url, pool_pre_ping=True, connect_args=_POSTGRESQL_ARGUMENTS, pool_timeout=5, **_JSON
        )
    arguments = {"timeout": _BUSY_SECONDS}
    engine = create_engine(url, connect_args=arguments, pool_timeout=_BUSY_SECONDS, **_JSON)

    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    def before_connect(*_: object) -> None:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)

    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        # A read that turns into a write fails when another has written in between: take the lock at once.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    event.listen(engine, "do_connect", before_connect)
    event.listen(engine, "connect", on_connect)
    event.listen(engine, "begin", on_begin)
    return engine
