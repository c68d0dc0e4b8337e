"""What an operator watches, in Prometheus' text form."""

from collections import Counter as Count
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from service.nlp.heads import POLARITIES
from service.nlp.said import Said

if TYPE_CHECKING:
    from service.store.queues import Queue


class Metrics:
    """Counters of one app; a registry of its own, so that two apps in a process do not meet."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "otklik_requests", "Answers by route and status", ["route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "otklik_predict_seconds",
            "Time to answer a prediction",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
            registry=self._registry,
        )
        self._comments = Counter("otklik_comments", "Comments tagged", registry=self._registry)
        self._review = Counter(
            "otklik_needs_review", "Comments that a person should look at", registry=self._registry
        )
        self._tags = Counter("otklik_tags", "Tags given", ["category", "polarity"], registry=self._registry)
        self._deliveries = Counter(
            "otklik_intake_deliveries",
            "Deliveries of survey platforms: stored, duplicate, ignored, unreadable, refused, reused_key",
            ["source", "status"],
            registry=self._registry,
        )
        self._processed = Counter(
            "otklik_intake_processed", "Deliveries worked off after the answer", registry=self._registry
        )
        self._model = Gauge("otklik_model", "1 for the model in use", ["version"], registry=self._registry)

        self._refused = Counter(
            "otklik_models_refused", "Models refused while another served on", registry=self._registry
        )

        self._queue = Gauge(
            "otklik_queue",
            "Inbox: waiting to be worked off, unreadable; outbox: pending, dead (given up until a replay)",
            ["queue", "state"],
            registry=self._registry,
        )
        self._oldest = Gauge(
            "otklik_queue_oldest_seconds",
            "How long the oldest of what waits or is pending has done so; 0 where nothing does",
            ["queue"],
            registry=self._registry,
        )
        self._store = Gauge("otklik_store_up", "1 while the database answers", registry=self._registry)

    def set_queues(self, queues: "Collection[Queue]", now: datetime) -> None:
        """Set what waits in inbox and outbox; empty where the database is away."""
        self._store.set(bool(queues))
        self._queue.clear()
        self._oldest.clear()
        for queue in queues:
            for state, count in queue.counts.items():
                self._queue.labels(queue.name, state).set(count)
            age = (now - queue.oldest).total_seconds() if queue.oldest else 0.0
            self._oldest.labels(queue.name).set(max(0.0, age))

    def count_refused(self) -> None:
        """Count a current model that could not be loaded."""
        self._refused.inc()

    def count_request(self, route: str, status: int) -> None:
        """Count an answer; `route` is the route's template, never the address as asked."""
        self._requests.labels(route, str(status)).inc()

    def count_said(self, categories: Sequence[str], said: Sequence[Said], seconds: float) -> None:
        """Count what is said in one prediction; `categories` are the codes of the taxonomy."""
        self._seconds.observe(seconds)
        self._comments.inc(len(said))
        self._review.inc(sum(own.needs_review for own in said))
        tags = Count((tag.category, tag.polarity) for own in said for tag in own.tags)
        for (category, polarity), count in tags.items():
            self._tags.labels(categories[category], POLARITIES[polarity]).inc(count)

    def count_delivery(self, source: str, status: str) -> None:
        """Count a delivery; `source` is one that is known, never an address as asked."""
        self._deliveries.labels(source, status).inc()

    def count_processed(self, deliveries: int) -> None:
        """Count deliveries that were worked off."""
        self._processed.inc(deliveries)

    def set_model(self, version: str) -> None:
        """Name the model in use."""
        self._model.clear()
        self._model.labels(version).set(1)

    def render(self) -> bytes:
        """All figures as text."""
        return generate_latest(self._registry)
