"""Real databases for tests: SQLite files, and a PostgreSQL cluster of our own on loopback."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from service.store.database import Database
from service.store.migrate import upgrade

POSTGRESQL = "postgresql"
_UNPRIVILEGED = "nobody"


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL server that nobody else uses."""

    programs: Path
    data: Path
    port: int

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://otklik@127.0.0.1:{self.port}/{database}"

    def create(self, name: str, template: str = "template1") -> str:
        """A new database, a copy of `template`; its URL."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = f"-p {self.port} -k {self.data} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "start", "-w", "-D", self.data, "-l", self.data / "log", "-o", options)

    def stop(self) -> None:
        """Stop the server at once, as a fault would."""
        self._run("pg_ctl", "stop", "-w", "-D", self.data, "-m", "immediate")

    def initialise(self) -> None:
        """Make the cluster's files."""
        self._run("initdb", "-D", self.data, "-U", "otklik", "-A", "trust", "-E", "UTF8", "--no-sync")

    def _run(self, program: str, *arguments: object) -> None:
        command = [str(self.programs / program), *map(str, arguments)]
        user = _UNPRIVILEGED if os.geteuid() == 0 else None  # the server refuses to run as root
        subprocess.run(command, user=user, cwd=self.data, check=True, stdout=subprocess.DEVNULL)


def find_programs() -> Path | None:
    """The folder of PostgreSQL's server programs, if they are installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "pg_ctl").exists()), None)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server; skips aloud where it is not installed, which in CI is a failure."""
    programs = find_programs()
    if programs is None:
        reason = "PostgreSQL's server programs (initdb, pg_ctl) are not installed"
        if os.environ.get("OTKLIK_CI") or os.environ.get("CI"):
            pytest.fail(f"{reason}; in CI they must be")
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="otklik-postgresql-", ignore_cleanup_errors=True) as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, _UNPRIVILEGED)
        cluster = Cluster(programs, Path(folder), _free_port())
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


@pytest.fixture(scope="session")
def postgresql_template(cluster: Cluster) -> str:
    """The name of a database with all tables, to be copied."""
    database = Database(cluster.create("template_otklik"))
    upgrade(database)
    database.close()
    return "template_otklik"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty embedded store with all tables."""
    database = Database(f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'otklik.db')}")
    yield database
    database.close()


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty store with all tables; each test that asks runs on both databases."""
    if request.param == POSTGRESQL:
        cluster: Cluster = request.getfixturevalue("cluster")
        name = f"test_{tmp_path.name}"[:60]
        yield cluster.create(name, request.getfixturevalue("postgresql_template"))
        cluster.drop(name)
    else:
        path = shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "otklik.db")
        yield f"sqlite:///{path}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty store with all tables."""
    database = Database(database_url)
    yield database
    database.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
