"""Who is told of tagged comments: added, changed, switched off and on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select, update

from service.store import schema
from service.store.comments import now
from service.store.errors import ConflictError, MissingError

WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class NewTarget:
    """Somebody to be told; see `schema.targets`."""

    kind: str
    name: str
    """The URL of a webhook, else what the settings call it."""
    source: str | None = None
    categories: tuple[str, ...] = ()
    """Tell only of comments with a tag of one of these; none named: of all."""
    polarities: tuple[str, ...] = ()
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A target as it is kept."""

    id: int
    kind: str
    name: str
    source: str | None
    categories: tuple[str, ...]
    polarities: tuple[str, ...]
    secret: str | None
    old_secret: str | None
    old_secret_until: datetime | None
    is_on: bool
    reason: str | None
    created_at: datetime

    def wants(self, source: str, tags: Iterable[tuple[str, str]]) -> bool:
        """Whether it is told of a comment from `source` with such categories and polarities."""
        if self.source is not None and self.source != source:
            return False
        if not self.categories and not self.polarities:
            return True
        return any(
            (not self.categories or category in self.categories)
            and (not self.polarities or polarity in self.polarities)
            for category, polarity in tags
        )

    def secrets(self, moment: datetime) -> list[str]:
        """The secrets that hold at `moment`, the newest first."""
        old_holds = self.old_secret_until is not None and moment < self.old_secret_until
        return [secret for secret in (self.secret, self.old_secret if old_holds else None) if secret]


_TABLE = schema.targets
_COLUMNS = [_TABLE.c[field.name] for field in fields(Target)]


def add(connection: Connection, target: NewTarget) -> Target:
    """Add a target and switch it on. Raises: ConflictError if it is there already."""
    known = select(_TABLE.c.id).where(_TABLE.c.kind == target.kind, _TABLE.c.name == target.name)
    found = connection.execute(known).scalar()
    if found is not None:
        raise ConflictError(f"{target.name} is target {found} already; remove that first, or switch it on")
    values = {field.name: getattr(target, field.name) for field in fields(NewTarget)}
    values |= {"categories": list(target.categories), "polarities": list(target.polarities)}
    row = connection.execute(
        insert(_TABLE).values(**values, is_on=True, created_at=now()).returning(*_COLUMNS)
    ).one()
    return _target(row)


def all_of(connection: Connection, kind: str | None = None) -> list[Target]:
    """Every target, or those of one kind, the first first."""
    query = select(*_COLUMNS).order_by(_TABLE.c.id)
    return [_target(row) for row in connection.execute(query.where(_TABLE.c.kind == kind) if kind else query)]


def get(connection: Connection, target_id: int, kind: str = WEBHOOK) -> Target:
    """One target. Raises: MissingError if there is none of this kind."""
    query = select(*_COLUMNS).where(_TABLE.c.id == target_id, _TABLE.c.kind == kind)
    row = connection.execute(query).first()
    if row is None:
        raise MissingError(f"there is no {kind} {target_id}")
    return _target(row)


def switch(connection: Connection, target_id: int, is_on: bool, reason: str | None = None) -> None:
    """Switch a target on or off, and say why."""
    connection.execute(update(_TABLE).where(_TABLE.c.id == target_id).values(is_on=is_on, reason=reason))


def rotate(connection: Connection, target: Target, secret: str, old_until: datetime) -> None:
    """Sign with `secret` from now on, and with the old one too until `old_until`."""
    connection.execute(
        update(_TABLE)
        .where(_TABLE.c.id == target.id)
        .values(secret=secret, old_secret=target.secret, old_secret_until=old_until)
    )


def synchronise(connection: Connection, kind: str, wanted: Sequence[NewTarget]) -> None:
    """Let the targets of `kind` be on that the settings name, and the others off."""
    known = {target.name: target for target in all_of(connection, kind)}
    for target in wanted:
        if target.name not in known:
            add(connection, target)
        else:
            switch(connection, known[target.name].id, True)
    for name in known.keys() - {target.name for target in wanted}:
        switch(connection, known[name].id, False, "no longer in the settings")


def _target(row: Row[tuple[object, ...]]) -> Target:
    values = dict(row._mapping)
    values |= {name: tuple(values[name] or ()) for name in ("categories", "polarities")}
    return Target(**values)
