"""What a server counts, for Prometheus."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from vizion3d.core.observe import Stage

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """Counters of one process; an observer of the application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "vizion3d_requests",
            "Requests, by route or RPC and outcome (HTTP status or gRPC code).",
            ("route", "outcome"),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "vizion3d_request_seconds",
            "Time from a request's arrival to its answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._stages = Histogram(
            "vizion3d_stage_seconds",
            "Time of one stage: decode, load, queue, inference, package, encode.",
            ("stage",),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "vizion3d_batch_images",
            "Images that went through the network together.",
            buckets=_SIZES,
            registry=self.registry,
        )
        self._loads = Counter(
            "vizion3d_model_loads", "Models loaded into memory.", registry=self.registry
        )
        self._in_flight = Gauge(
            "vizion3d_requests_in_flight",
            "Requests to a task that were admitted and are not answered.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._queued = Gauge(
            "vizion3d_queue_images",
            "Images that wait for the network.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def stage(self, stage: Stage, seconds: float) -> None:
        """See :class:`vizion3d.core.observe.Observer`."""
        self._stages.labels(stage).observe(seconds)
        if stage == "load":
            self._loads.inc()

    def batch(self, size: int) -> None:
        """See :class:`vizion3d.core.observe.Observer`."""
        self._batches.observe(size)

    def queued(self, count: int) -> None:
        """See :class:`vizion3d.core.observe.Observer`."""
        self._queued.set(count)

    def in_flight(self, count: int) -> None:
        """How many requests to a task are under way."""
        self._in_flight.set(count)

    def request(self, route: str, outcome: str, seconds: float) -> None:
        """A request was answered."""
        self._requests.labels(route, outcome).inc()
        self._seconds.labels(route).observe(seconds)

    def render(self) -> bytes:
        """Prometheus's text format; of all worker processes where there are several."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # untyped there
        return generate_latest(registry)


def forget_process(pid: int) -> None:
    """Drop the gauges of a process that has died; what it counted still counts."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # untyped there
