"""What has changed on a platform since a moment, page by page: one way for fetching, polling, reconciling.

Offsets lie while a list moves: an answer that changes during the run goes to the end, and its successor
slips over the border of the pages. So the next page is asked for by the time of the last answer, and only
answers of one and the same time by page number. Some come twice; none is missed.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeAlias

Document: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """Documents as the platform gives them, and until when everything has been seen with them."""

    documents: tuple[Document, ...]
    mark: datetime | None
    """None where only the whole run says so."""


SHORT_REST = timedelta(seconds=5)


class Feed(Protocol):
    """A platform that can be asked what has changed."""

    @property
    def scopes(self) -> tuple[str, ...]:
        """The surveys, or kinds of items, to look through."""

    @property
    def rest(self) -> timedelta:
        """The least time between two looks at one scope, so that the platform's limits last."""

    def changes(self, scope: str, since: datetime | None) -> Iterator[Page]:
        """Pages of what has changed at or after `since`, the oldest first; None: of all there is.

        Raises: ClientError.
        """

    def scope_of(self, reference: Mapping[str, str]) -> str | None:
        """The scope that a delivery's reference belongs to."""


def by_time(
    fetch: Callable[[datetime | None, int], list[Document]],
    moment_of: Callable[[Document], datetime | None],
    since: datetime | None,
    size: int,
) -> Iterator[Page]:
    """The pages of `fetch(since, page)`, which gives up to `size` documents in the order of their time."""
    page = 1
    while True:
        documents = fetch(since, page)
        moments = [moment for moment in map(moment_of, documents) if moment is not None]
        mark = max(moments, default=None)
        yield Page(tuple(documents), mark)
        if len(documents) < size:
            return
        if mark is not None and (since is None or mark > since):
            since, page = mark, 1
        else:
            page += 1


def read_moment(value: object) -> datetime | None:
    """A moment as platforms write it in ISO 8601, with its zone; None where it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
