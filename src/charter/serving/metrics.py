"""What a server tells Prometheus of itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """Requests by status, seconds they took, tokens read and written, and how many are under way and wait.

    Also the version that is served, and how often its model had to be loaded again.
    """

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self.requests = Counter(
            "charter_requests",
            "Completions and refused requests, by HTTP status.",
            ["status"],
            registry=registry,
        )
        self.seconds = Histogram(
            "charter_request_seconds",
            "From a request's arrival to the end of its reply.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.first = Histogram(
            "charter_first_text_seconds",
            "From a request's arrival to the first text of its reply.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.tokens = Counter("charter_tokens", "Tokens by kind.", ["kind"], registry=registry)
        self.running = Gauge("charter_requests_running", "Requests being decoded.", registry=registry)
        self.waiting = Gauge("charter_requests_waiting", "Requests that wait.", registry=registry)
        self.reloads = Counter(
            "charter_model_reloads",
            "Times that a model that had stopped was loaded again.",
            registry=registry,
        )
        self.version = Gauge(
            "charter_model_version", "The registry's version that is served.", registry=registry
        )

    def count_tokens(self, read: int, written: int) -> None:
        """Count the tokens of a request that has ended."""
        self.tokens.labels("prompt").inc(read)
        self.tokens.labels("completion").inc(written)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
