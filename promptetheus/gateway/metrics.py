"""Numbers about the gateway in Prometheus' text format. No label names a tenant, a session or a key.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable

BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_PREFIX = "promptetheus_gateway_"

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counters, histograms and values that are asked for when somebody looks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, list[float]]] = {}
        self._gauges: dict[str, Callable[[], float]] = {}
        self._help: dict[str, str] = {}

    def describe(self, name: str, text: str) -> None:
        """What a metric means."""
        self._help[name] = text

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """A value that is read when somebody looks."""
        self._help[name], self._gauges[name] = text, value

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        """Count."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            counts = self._counters.setdefault(name, {})
            counts[key] = counts.get(key, 0) + amount

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """A duration."""
        key = tuple(sorted(labels.items()))
        with self._lock:
            found = self._histograms.setdefault(name, {}).setdefault(key, [0.0] * (len(BUCKETS_S) + 2))
            found[bisect_left(BUCKETS_S, seconds)] += 1
            found[-1] += seconds

    def text(self) -> str:
        """Everything, as a scraper reads it."""
        with self._lock:
            lines = [line for name in sorted(self._counters) for line in self._counter(name)]
            lines += [line for name in sorted(self._histograms) for line in self._histogram(name)]
        for name, value in sorted(self._gauges.items()):
            lines += [*self._head(name, "gauge"), f"{_PREFIX}{name} {value():g}"]
        return "\n".join(lines) + "\n"

    def _head(self, name: str, kind: str) -> list[str]:
        about = self._help.get(name)
        return [*([f"# HELP {_PREFIX}{name} {about}"] if about else []), f"# TYPE {_PREFIX}{name} {kind}"]

    def _counter(self, name: str) -> list[str]:
        rows = sorted(self._counters[name].items())
        return [
            *self._head(name, "counter"),
            *(f"{_PREFIX}{name}{_labels(key)} {value:.10g}" for key, value in rows),
        ]

    def _histogram(self, name: str) -> list[str]:
        lines = self._head(name, "histogram")
        for key, found in sorted(self._histograms[name].items()):
            total = 0.0
            for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), found, strict=False):
                total += count
                lines.append(f"{_PREFIX}{name}_bucket{_labels((*key, ('le', limit)))} {total:.10g}")
            lines.append(f"{_PREFIX}{name}_sum{_labels(key)} {found[-1]:.6f}")
            lines.append(f"{_PREFIX}{name}_count{_labels(key)} {total:.10g}")
        return lines


def _labels(labels: Labels) -> str:
    def quoted(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return "{" + ",".join(f'{name}="{quoted(value)}"' for name, value in labels) + "}" if labels else ""
