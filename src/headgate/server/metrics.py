"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from headgate.gate.scope import declared
from headgate.model.config import Policy, QueueMode
from headgate.model.errors import NotSignedIn
from headgate.model.event import Event
from headgate.server.auth.identity import current_principal
from headgate.server.errors import answer
from headgate.store.database import Database

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds."""


class Metrics:
    """Counts requests and events, and reads the queues when asked."""

    def __init__(self, db: Database, policy: Callable[[], Policy]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "headgate_http_requests",
            "Requests answered.",
            ("area", "method", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "headgate_http_request_seconds",
            "Seconds until the answer began.",
            ("area",),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self.events = Counter(
            "headgate_events",
            "Events recorded since the server started.",
            ("kind",),
            registry=self.registry,
        )
        self.registry.register(_Queues(db, policy))
        self._unsubscribe = db.subscribe(self._count)

    def close(self) -> None:
        """Stop listening to events."""
        self._unsubscribe()

    def _count(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self.events.labels(event.kind).inc()

    async def page(self, request: Request) -> Response:
        """`/metrics`; Prometheus sends a token (`authorization: credentials`)."""
        try:
            current_principal(request)
        except NotSignedIn as error:
            return answer(request, error)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


class _Queues(Collector):
    """Read from the database at the moment of asking, so they are never stale."""

    def __init__(self, db: Database, policy: Callable[[], Policy]) -> None:
        self._db = db
        self._policy = policy

    def describe(self) -> Iterable[GaugeMetricFamily]:
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        items = GaugeMetricFamily("headgate_queue_items", "Changes in a queue.", labels=["queue"])
        window = GaugeMetricFamily(
            "headgate_queue_window",
            "Items of a chain, or builds of a queue of lanes, tested at once.",
            labels=["queue"],
        )
        frozen = GaugeMetricFamily(
            "headgate_queue_frozen", "1 while nothing lands.", labels=["queue"]
        )
        jobs = GaugeMetricFamily("headgate_jobs", "Job runs not finished.", labels=["state"])
        entries = GaugeMetricFamily("headgate_log_entries", "Entries of the log of events.")
        policy = self._policy()
        with self._db.read() as tx:
            for queue in tx.queues.all():
                items.add_metric([queue.name], len(tx.items.live(queue.id)))
                settings = declared(policy, queue.name)
                lanes = settings.mode is QueueMode.LANES
                window.add_metric([queue.name], settings.slots if lanes else queue.window)
                frozen.add_metric([queue.name], int(queue.state.value == "frozen"))
            states: dict[str, int] = {"queued": 0, "running": 0}
            for run in tx.builds.unfinished():
                states[run.state.value] = states.get(run.state.value, 0) + 1
            last = tx.events.last()
        for state, count in states.items():
            jobs.add_metric([state], count)
        entries.add_metric([], last.id if last else 0)
        return [items, window, frozen, jobs, entries]


AREAS = frozenset({"api", "git", "changes", "queues", "jobs", "projects", "events", "static"})


def area_of(path: str) -> str:
    """The first part of a path if it is one of ours: few label values, whatever is asked for."""
    first = path.removesuffix(".json").strip("/").partition("/")[0]
    return first if first in AREAS else "other"


class MetricsMiddleware:
    """Counts requests and the seconds until their answers begin (streams last for hours)."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        area = area_of(scope["path"])
        method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST") else "other"

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._metrics.seconds.labels(area).observe(time.perf_counter() - began)
                self._metrics.requests.labels(area, method, message["status"]).inc()
            await send(message)

        await self._app(scope, receive, counted)
