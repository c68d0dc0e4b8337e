"""What a person does with webhooks: add, look, rotate, switch, replay; for commands and API alike."""

from dataclasses import dataclass
from datetime import timedelta

from service.clients.addresses import AddressGuard
from service.clients.errors import ForbiddenAddressError
from service.delivery.signing import new_secret
from service.nlp.errors import OtklikError
from service.nlp.heads import POLARITIES
from service.nlp.taxonomy import Taxonomy
from service.store import outbox, targets
from service.store.comments import now
from service.store.database import Database
from service.store.outbox import Delivery, State
from service.store.targets import WEBHOOK, NewTarget, Target

OLD_SECRET_HOLDS = timedelta(hours=24)


class WebhookError(OtklikError):
    """A webhook cannot be what was asked for."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook with how much it was told."""

    target: Target
    counts: dict[State, int]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which comments a webhook is told of; empty: all."""

    source: str | None = None
    categories: tuple[str, ...] = ()
    polarities: tuple[str, ...] = ()

    def check(self, taxonomy: Taxonomy) -> None:
        """Raises: WebhookError, naming what there is to choose from."""
        for given, known in ((self.categories, taxonomy.category_codes), (self.polarities, POLARITIES)):
            unknown = [code for code in given if code not in known]
            if unknown:
                raise WebhookError(f"found «{unknown[0]}», expected one of {', '.join(known)}")


def add(database: Database, guard: AddressGuard, url: str, wanted: Filter) -> Target:
    """A new webhook, with the secret to check its signatures by.

    Raises: WebhookError if the URL cannot be called; ConflictError if it is a webhook already.
    """
    try:
        guard.check_url(url)
    except ForbiddenAddressError as error:
        raise WebhookError(str(error)) from None
    target = NewTarget(WEBHOOK, url, wanted.source, wanted.categories, wanted.polarities, new_secret())
    with database.write() as connection:
        return targets.add(connection, target)


def list_all(database: Database) -> list[Webhook]:
    """Every webhook with its counts."""
    with database.read() as connection:
        counts = outbox.counts(connection)
        found = targets.all_of(connection, WEBHOOK)
    return [
        Webhook(target, {state: count for (i, state), count in counts.items() if i == target.id})
        for target in found
    ]


def get(database: Database, webhook_id: int) -> Target:
    """One webhook. Raises: MissingError if there is none."""
    with database.read() as connection:
        return targets.get(connection, webhook_id)


def rotate(database: Database, webhook_id: int) -> Target:
    """Give the webhook a new secret; for a day its deliveries carry both signatures."""
    with database.write() as connection:
        target = targets.get(connection, webhook_id)
        targets.rotate(connection, target, new_secret(), now() + OLD_SECRET_HOLDS)
        return targets.get(connection, webhook_id)


def switch(database: Database, webhook_id: int, is_on: bool) -> None:
    """Switch a webhook on or off by hand; while it is off, nothing new is noted for it."""
    with database.write() as connection:
        targets.get(connection, webhook_id)
        targets.switch(connection, webhook_id, is_on, None if is_on else "switched off by hand")


def remove(database: Database, webhook_id: int) -> None:
    """Remove a webhook, and whatever was still to be told to it."""
    with database.write() as connection:
        targets.get(connection, webhook_id)
        outbox.forget(connection, webhook_id)


def list_dead(database: Database, limit: int = 100, after: int = 0) -> list[Delivery]:
    """What was given up, the oldest first."""
    with database.read() as connection:
        return outbox.dead(connection, limit, after)


def replay(database: Database, ids: list[int] | None = None) -> int:
    """Try again what was given up, all of it or these; how many there were."""
    with database.write() as connection:
        return outbox.replay(connection, ids)
