"""The server's Prometheus metrics."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_QUESTIONS = (1, 2, 4, 8, 16, 32, 64)


class ServerMetrics:
    """Metrics of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "roomwise_expert_requests",
            "Requests by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self.questions = Counter("roomwise_expert_questions", "Questions answered.", registry=self.registry)
        self.sent = Counter(
            "roomwise_expert_sent_bytes",
            "Bytes of answers by what they are.",
            ["part"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "roomwise_expert_request_seconds", "From a request's headers to its last byte.", ["route"],
            buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self.batches = Histogram(
            "roomwise_expert_batch_questions", "Questions answered together.", buckets=_QUESTIONS,
            registry=self.registry,
        )  # fmt: skip
        self.waiting = Gauge("roomwise_expert_waiting", "Questions that wait.", registry=self.registry)

    def batch(self, questions: int) -> None:
        """Count a batch of so many questions."""
        self.batches.observe(questions)
        self.questions.inc(questions)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return generate_latest(self.registry)
