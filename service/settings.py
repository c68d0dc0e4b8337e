"""What an installation may be told; the only reader of the environment."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from service.nlp.errors import OtklikError

PREFIX = "OTKLIK_"


class SettingsError(OtklikError):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """Each field is read from `OTKLIK_` and its name in capitals, such as `OTKLIK_MODELS`."""

    models: Path = Path("models")
    """Folder of model versions and of the file `current`."""
    reports: Path = Path("var/reports")
    """Folder of comparison pages, which go when a comment's words are deleted: they quote some."""
    database: str = "sqlite:///var/otklik.db"
    """URL of the store: `sqlite:///path/to/file.db`, or `postgresql://user:password@host/database`."""
    private_networks: str = ""
    """Networks that may be called although they are not public, such as `10.1.0.0/16, 127.0.0.1`; with any of
    them named, webhooks may also be `http://`."""
    blind_percent: int = 10
    """Share of the review queue that is shown without the model's proposal."""
    intake: Path = Path("intake.yaml")
    """File of the sources that may deliver, with their secrets (`service/intake/installation.py`)."""
    connections: Path = Path("connections.yaml")
    """File of the platforms that are called, with their tokens (`service/clients/connections.py`)."""
    keep_deliveries_days: int = 30
    """Days after which the raw bytes of a processed delivery are emptied; its id stays known."""
    max_comments: int = 1_000
    """Comments in one request."""
    max_text_chars: int = 10_000
    """Characters in one comment."""
    max_body_bytes: int = 2 * 1024 * 1024
    """Bytes of one request."""
    max_inline_chars: int = 1_000
    """Requests of this size or less (text, and 100 a comment) are answered on the event loop."""
    max_waiting: int = 64
    """Longer requests that may be under way or waiting; the next one is told to come again."""

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Settings from `environment` (the process's own by default).

        Raises:
            SettingsError: naming the variable, what was found and what was expected.
        """
        environment = os.environ if environment is None else environment
        given: dict[str, Path | int | str] = {}
        for field in fields(cls):
            name = PREFIX + field.name.upper()
            if name in environment:
                given[field.name] = _read(field.type, name, environment[name])
        return cls(**given)  # type: ignore[arg-type]  # each value has the type of its field


def expand(text: str, environment: Mapping[str, str] | None = None) -> str:
    """`text` with each `${NAME}` replaced by that variable of `environment` (the process's own by default).

    Raises:
        SettingsError: naming a variable that is not set.
    """
    known = os.environ if environment is None else environment

    def value(match: re.Match[str]) -> str:
        if match[1] not in known:
            raise SettingsError(f"${{{match[1]}}}: the environment has no such variable")
        return known[match[1]]

    return re.sub(r"\$\{(\w+)\}", value, text)


def _read(kind: object, name: str, value: str) -> Path | int | str:
    if kind is int:
        return _positive(name, value)
    return Path(value) if kind is Path else value


def _positive(name: str, value: str) -> int:
    if not value.isdecimal() or int(value) == 0:
        raise SettingsError(f"{name}: found «{value}», expected a whole number above zero")
    return int(value)
