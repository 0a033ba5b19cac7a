"""The spool with delivery as a transport object, for code that makes its transports itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.uploader import uploader_for
from promptetheus.settings import get_config
from promptetheus.spool import DEFAULT_SPOOL_DIR
from promptetheus.transport.local import LocalSpoolTransport


class DurableHTTPTransport(LocalSpoolTransport):
    """Writes events through to the spool and ships it in the background: when `send_event` has returned, the
    event is on disk, whatever the gateway does.

    The arguments that tuned the queue of release 2.0.1 are taken and kept as attributes, but there is no queue
    any more: `queue_maxsize` and `max_spool_bytes` bound nothing here (the cap of the spool is a setting).

    Args:
        endpoint: URL of the gateway.
        api_key: Key of a project there.
        spool_dir: Where the events are written first.
        timeout: Seconds for a request, and that `close` waits at most; None: the setting `http_timeout`.
    """

    def __init__(
        self,
        endpoint: str,
        api_key: str | None = None,
        *,
        spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR,
        batch_size: int = 50,
        flush_interval: float = 1.0,
        max_retries: int = 5,
        timeout: float | None = None,
        queue_maxsize: int = 10_000,
        max_spool_bytes: int = 268_435_456,
        compress_min_bytes: int = 1024,
        circuit_failure_threshold: int = 5,
        circuit_reset_seconds: float = 30.0,
    ) -> None:
        super().__init__(spool_dir)
        self.endpoint = endpoint.rstrip("/") + "/"
        self.api_key = api_key
        self.timeout = get_config().http_timeout if timeout is None else timeout
        self.batch_size, self.flush_interval, self.max_retries = batch_size, flush_interval, max_retries
        self.queue_maxsize, self.max_spool_bytes = queue_maxsize, max_spool_bytes
        self.compress_min_bytes = compress_min_bytes
        self.circuit_failure_threshold = circuit_failure_threshold
        self.circuit_reset_seconds = circuit_reset_seconds
        self.target = Destination(endpoint.rstrip("/"), api_key or "", self.timeout)
        self._sent = 0
        self._watched: set[Path] = set()

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Append one event and have it shipped. Raises RuntimeError after `close`, OSError when it cannot be
        written."""
        super().send_event(event)
        path = self.path_for_session(str(event.get("session_id") or "unknown-session"))
        if path not in self._watched:
            self._watched.add(path)
            uploader_for(self.target).watch(path)
        self._sent += 1

    def flush(self, timeout: float | None = None) -> None:
        """Wait until the gateway has what was sent, for `timeout` seconds at most (None: the setting
        `exit_timeout`). What it does not take stays pending."""
        wait_s = get_config().exit_timeout if timeout is None else timeout
        uploader_for(self.target).flush(wait_s, list(self._watched))

    def stats(self) -> dict[str, Any]:
        """The counts of this destination in this process, by the names of release 2.0.1."""
        known = uploader_for(self.target).stats()
        return {
            "enqueued": self._sent,
            "overflow_spilled": 0,
            "delivered_batches": known["delivered_batches"],
            "delivered_events": known["delivered_events"],
            "retries": known["failures"],
            "spooled_events": self._sent,
            "dead_lettered_events": known["dead_lettered_events"],
            "safe_dropped_events": 0,
            "circuit_skipped_batches": 0,
            "queue_depth": 0,
            "circuit_state": known["circuit_state"],
        }

    def close(self) -> None:
        """Flush, close the files and refuse further events."""
        super().close()
        for path in self._watched:
            uploader_for(self.target).ended(path)
