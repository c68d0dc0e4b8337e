"""Whether a database has the newest form, found out without the libraries that could change it.

Importing SQLAlchemy and Alembic takes half a second, and nearly always there is nothing for them to do.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

_SQLITE = "sqlite:///"


def newest_revision() -> str:
    """The name of the last revision: that of its file, as revisions are numbered."""
    return max(path.stem for path in Path(__file__).with_name("migrations").glob("versions/[0-9]*.py"))


def is_up_to_date(url: str) -> bool:
    """Whether `url` is that of a SQLite file in the newest form; False where that cannot be told this way."""
    path = Path(url.removeprefix(_SQLITE))
    if not url.startswith(_SQLITE) or not path.is_file():
        return False
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT version_num FROM alembic_version").fetchall() == [
                (newest_revision(),)
            ]
    except sqlite3.Error:
        return False
