"""The platforms that this installation calls, and how (`connections.yaml`).

```yaml
connections:
  surveymonkey: {token: "${SURVEYMONKEY_TOKEN}", surveys: ["511"]}
  bitrix24:
    url: "${BITRIX24_URL}"                # the portal's incoming webhook, with its secret
    items: [2]                            # kinds of items to look through: 2 is deals
    fields: {tags: ufCrm_1720019876, departments: ufCrm_1720019877}
    comment: true
```

A name is that of the source whose comments it is about; `platform` says what it is, where the name does not.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from service.clients.errors import ClientError

Strings: TypeAlias = tuple[str, ...]


class ConnectionsError(ClientError):
    """The file of connections cannot be used; the message names the place and what to do."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)


class SurveyMonkey(_Model):
    """Answers are fetched by survey."""

    platform: Literal["surveymonkey"]
    url: str = "https://api.surveymonkey.com/v3"
    token: str
    surveys: Strings = ()


class Qualtrics(_Model):
    """Answers are fetched by survey; the URL is that of the brand's data centre."""

    platform: Literal["qualtrics"]
    url: str
    token: str
    surveys: Strings = ()


class Anketolog(_Model):
    """Answers are polled by survey."""

    platform: Literal["anketolog"]
    url: str = "https://apiv2.anketolog.ru"
    token: str
    surveys: Strings = ()


class ItemFields(_Model):
    """Which of an item's fields take what was said of it; empty: none."""

    tags: str = ""
    departments: str = ""
    kpis: str = ""
    multiple: bool = False
    """Whether the fields hold lists; else the values are joined."""


class ClosedDeals(_Model):
    """Which deals are asked about: those that have closed in this funnel and stage."""

    category: int
    stage: str


class NpsStages(_Model):
    """The NPS funnel and its stages."""

    category: int
    asked: str
    satisfied: str
    passive: str
    dissatisfied: str
    no_answer: str
    reviewed: str


class Tasks(_Model):
    """Who sees to customers' troubles."""

    heads: Mapping[str, int] = {}
    """User numbers of those responsible, by department code."""
    head: int
    """Who is responsible where no department is."""
    task_days: int = 3
    """Days to see to a dissatisfied customer."""


class Process(_Model):
    """A business process of the portal, of deals, that sends words to the customer."""

    template: int
    """Number of its template; the webhook needs the scope bizproc and an administrator's rights."""
    parameter: str = "message"
    """Name of its parameter that takes the words."""


class Funnel(Tasks):
    """Closed deals become NPS deals, and their answers are seen to."""

    closed: ClosedDeals
    nps: NpsStages
    score: str
    """Field of the NPS deal that holds the score."""
    comment: str
    """Likewise the comment."""
    origin: str
    """Likewise the number of the deal that is asked about."""
    message: str = ""
    """Likewise the words of thanks, which a robot of the stage sends."""
    process: Process | None = None
    """What sends the words of thanks by itself: by e-mail, SMS or an open line, as the portal has it."""
    review_url: str = ""
    """Where a satisfied customer may leave a public review."""
    wait_days: int = 14
    """After so many days without an answer there will be none."""


class Bitrix24(_Model):
    """Items are looked through for answers, and take tags back."""

    platform: Literal["bitrix24"]
    url: str
    items: tuple[int, ...] = ()
    where: Mapping[str, Any] = {}
    """Filter of `crm.item.list` beside the time, such as `{"!ufCrm_1720019876": ""}`: the score is there."""
    fields: ItemFields = ItemFields()
    comment: bool = False
    """Whether the tags also become a comment in the item's timeline."""
    tasks: Tasks | None = None
    """Who gets a task about a problem in an item; a funnel gives its own."""
    funnel: Funnel | None = None

    @model_validator(mode="after")
    def _has_one_giver_of_tasks(self) -> "Bitrix24":
        if self.tasks and self.funnel:
            raise ValueError("found tasks and a funnel, which gives tasks by itself; leave one of them out")
        return self


class AmoCrm(_Model):
    """Leads take tags, and a field takes the departments."""

    platform: Literal["amocrm"]
    url: str
    token: str
    tags: bool = True
    field: int | None = None


class Chatwoot(_Model):
    """Conversations take labels."""

    platform: Literal["chatwoot"]
    url: str
    token: str


class Formbricks(_Model):
    """A hidden field of the response takes the tags."""

    platform: Literal["formbricks"]
    url: str = "https://app.formbricks.com"
    token: str
    field: str = "otklik"


Connection: TypeAlias = Annotated[
    SurveyMonkey | Qualtrics | Anketolog | Bitrix24 | AmoCrm | Chatwoot | Formbricks,
    Field(discriminator="platform"),
]
_CONNECTION: TypeAdapter[Connection] = TypeAdapter(Connection)


def read_connections(path: Path, expand: Callable[[str], str]) -> dict[str, Connection]:
    """The connections that `path` describes, by name; none if there is no such file.

    `expand` puts in what stands for secrets, such as `${NAME}` for a variable of the environment.

    Raises: ConnectionsError; what `expand` raises.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConnectionsError(f"{path}: cannot be read as YAML ({' '.join(str(error).split())})") from None
    described = content.get("connections") if isinstance(content, dict) else None
    if not isinstance(described, dict):
        raise ConnectionsError(f"{path}: expected «connections:» with a platform below it")
    return {str(name): _connection(path, str(name), value, expand) for name, value in described.items()}


def _connection(path: Path, name: str, value: object, expand: Callable[[str], str]) -> Connection:
    if not isinstance(value, dict):
        raise ConnectionsError(f"{path}: connections.{name}: expected settings such as token and url")
    filled = {key: expand(one) if isinstance(one, str) else one for key, one in value.items()}
    try:
        return _CONNECTION.validate_python({"platform": name, **filled})
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(map(str, ("connections", name, *first["loc"][1:])))
        raise ConnectionsError(f"{path}: {place}: {first['msg']}") from None
