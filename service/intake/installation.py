"""What an installation says of its sources: secrets, tokens, and which questions matter (`intake.yaml`).

```yaml
sources:
  typeform:
    secrets: ["${TYPEFORM_SECRET}"]      # two while one is being replaced
  website:                               # a name of your own
    adapter: generic
    tokens: ["${WEBSITE_TOKEN}"]
    zone: Europe/Moscow
    fields: {score: q1, text: "Что нам улучшить?"}
```
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
)

from service.intake import adapters
from service.intake.mapping import Adapter, Choices, Places
from service.nlp.errors import OtklikError

MIN_TOKEN_CHARS = 16


class InstallationError(OtklikError):
    """The file of sources cannot be used; the message names the place and what to do."""


@dataclass(frozen=True)
class ConfiguredSource:
    """A source as this installation takes it. All that is configured is demanded of a delivery."""

    name: str
    """In the address, and of the comments that come in by it."""
    adapter: Adapter
    secrets: tuple[str, ...] = ()
    """Keys of signatures; each may have signed."""
    tokens: tuple[str, ...] = ()
    """What a delivery may carry instead of, or beside, a signature."""
    choices: Choices = field(default_factory=Choices)
    adapter_name: str = ""


@dataclass(frozen=True)
class Installation:
    """The sources that may deliver."""

    sources: Mapping[str, ConfiguredSource] = field(default_factory=dict)

    def find(self, name: str) -> ConfiguredSource | None:
        """The source of this name; one that has only an adapter lets nothing in."""
        if name in self.sources:
            return self.sources[name]
        adapter = adapters.find(name)
        return ConfiguredSource(name, adapter, adapter_name=name) if adapter else None


def read_installation(path: Path, expand: Callable[[str], str]) -> Installation:
    """The installation that `path` describes; one without sources if there is no such file.

    `expand` puts in what stands for secrets, such as `${NAME}` for a variable of the environment.

    Raises: InstallationError; what `expand` raises.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Installation()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InstallationError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    try:
        described = _InstallationIn.model_validate(content or {})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise InstallationError(f"{path}: {place}: {first['msg'].removeprefix('Value error, ')}") from None
    return Installation(
        {name: _configure(path, name, source, expand) for name, source in described.sources.items()}
    )


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"found «{name}», expected a zone such as Europe/Moscow") from None
    return name


def _as_list(value: Any) -> Any:  # noqa: ANN401  # whatever YAML held
    return [value] if isinstance(value, str | int) else value


_Strings = Annotated[list[str], BeforeValidator(_as_list)]
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class _SourceIn(_Model):
    adapter: str = ""
    secrets: _Strings = []
    tokens: _Strings = []
    zone: Annotated[str, AfterValidator(_check_zone)] = "UTC"
    fields: Places = Places()


class _InstallationIn(_Model):
    sources: dict[_Name, _SourceIn] = {}


def _configure(path: Path, name: str, source: _SourceIn, expand: Callable[[str], str]) -> ConfiguredSource:
    place = f"{path}: sources.{name}"
    adapter = adapters.find(source.adapter or name)
    if adapter is None:
        raise InstallationError(
            f"{place}: found no adapter «{source.adapter or name}»; set adapter to one of "
            + ", ".join(adapters.names())
        )
    secrets, tokens = tuple(map(expand, source.secrets)), tuple(map(expand, source.tokens))
    if secrets and not adapter.signature:
        raise InstallationError(f"{place}: {adapter.title} does not sign; set tokens in place of secrets")
    if not secrets and not tokens:
        raise InstallationError(f"{place}: found neither secrets nor tokens; without, nothing is let in")
    if any(not secret for secret in secrets) or any(len(token) < MIN_TOKEN_CHARS for token in tokens):
        raise InstallationError(
            f"{place}: found an empty secret or a token under {MIN_TOKEN_CHARS} characters; "
            "make one with python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    zone: tzinfo = UTC if source.zone == "UTC" else ZoneInfo(source.zone)
    choices = Choices(**asdict(source.fields), zone=zone)
    return ConfiguredSource(name, adapter, secrets, tokens, choices, source.adapter or name)
