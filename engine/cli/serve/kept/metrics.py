"""What is counted, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ..deciding import Decided

if TYPE_CHECKING:
    from ..loaded.models import Entry
    from ..server import Server

_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.1, 1.0)


class Metrics:
    """The counters of one server."""

    def __init__(self, server: Server) -> None:
        self._registry = own = CollectorRegistry()
        by = ("decision", "gate", "backend", "error")
        self._decisions = Counter("mlxk_decisions", "Decisions on requests", by, registry=own)
        self._seconds = Histogram(
            "mlxk_deciding_seconds", "Deciding, once a model is known", buckets=_SECONDS, registry=own
        )
        self._models = Counter(
            "mlxk_models", "Models loaded, given up, failed and died", ("what", "backend"), registry=own
        )
        of = {
            "mlxk_resident_models": ("Models that are loaded", lambda: len(server.models.entries)),
            "mlxk_resident_bytes": (
                "What loaded models may take",
                lambda: sum(one.bytes for one in server.models.entries),
            ),
            "mlxk_answering": ("Requests that models answer", lambda: sum(one.busy for one in server.models.entries)),
            "mlxk_policy_reloads": ("Changed rule files taken", lambda: server.rule_file.reloads),
            "mlxk_policy_reload_failures": ("Changed rule files refused", lambda: server.rule_file.failures),
            "mlxk_log_lines_lost": ("Lines missing in the log", lambda: 0 if server.log is None else server.log.lost),
        }
        for name, (means, value) in of.items():
            Gauge(name, means, registry=own).set_function(value)

    def decided(self, decided: Decided) -> None:
        """Count a decision."""
        one = decided.decision
        self._decisions.labels(one.decision, one.gate or "", one.backend, one.error_type or "").inc()
        self._seconds.observe(decided.seconds)

    def of_a_model(self, what: str, entry: Entry) -> None:
        """Count what happened to a model: load, evict, failed or died."""
        self._models.labels(what, entry.job.backend).inc()

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)
