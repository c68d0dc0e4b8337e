"""Our webhook: `comment.tagged`, signed by Standard Webhooks, to URLs that the installation was given."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from service.clients.addresses import AddressGuard
from service.clients.errors import ForbiddenAddressError, UnreachableError
from service.clients.limits import read_retry_after
from service.clients.transport import Bounds, open_client
from service.delivery import events
from service.delivery.events import TaggedComment
from service.delivery.outcomes import Delivered, Failed, Gone, Hopeless, Outcome
from service.delivery.signing import sign
from service.nlp.taxonomy import Taxonomy
from service.store.outbox import Delivery
from service.store.targets import Target

BOUNDS = Bounds(seconds=20.0, body_bytes=64 * 1024)
"""Standard Webhooks advises 15 to 30 seconds; of the answer only the status counts."""

_THROTTLED = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """Posts events to webhooks."""

    http: httpx2.Client
    guard: AddressGuard
    taxonomy: Callable[[], Taxonomy]

    @classmethod
    def open(cls, guard: AddressGuard, taxonomy: Callable[[], Taxonomy]) -> "WebhookSender":
        """A sender that reaches what `guard` lets through."""
        return cls(open_client(guard, BOUNDS), guard, taxonomy)

    def deliver(self, target: Target, delivery: Delivery, tagged: TaggedComment) -> Outcome:
        """Tell `target` of `tagged`; the message's id is the same for every attempt."""
        data = events.to_json(tagged, self.taxonomy())
        moment = tagged.prediction.created_at.isoformat()
        return self._post(target, f"msg_{delivery.id}", events.COMMENT_TAGGED, moment, data)

    def test(self, target: Target) -> Outcome:
        """Send an event that says nothing, to see whether it arrives."""
        now = datetime.now(UTC)
        message = f"test_{target.id}_{int(now.timestamp())}"
        data = {"message": "Проверка связи: если вы это видите, подпись и адрес верны"}
        return self._post(target, message, events.TEST, now.isoformat(), data)

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def _post(self, target: Target, message: str, kind: str, moment: str, data: dict[str, Any]) -> Outcome:
        now = datetime.now(UTC)
        body = events.write_event(kind, moment, data)
        headers = {"Content-Type": "application/json", **sign(target.secrets(now), message, now, body)}
        try:
            self.guard.check_url(target.name)
            response = self.http.post(target.name, content=body, headers=headers)
        except ForbiddenAddressError as error:
            return Hopeless(str(error))
        except UnreachableError as error:
            return Failed(str(error))
        return _judge(response, now)


def _judge(response: httpx2.Response, now: datetime) -> Outcome:
    """What an answer means by Standard Webhooks: 2xx is success, 410 the end, a redirect a failure."""
    status = response.status_code
    if response.is_success:
        return Delivered(status)
    if status == 410:
        return Gone("the endpoint answered 410 Gone", status)
    error = f"the endpoint answered {status}" + (
        f", which points to {response.headers['location']}; redirects are not followed"
        if response.has_redirect_location
        else ""
    )
    wish = read_retry_after(response.headers.get("retry-after"), now)
    return Failed(error, status, wish, throttled=status in _THROTTLED)
