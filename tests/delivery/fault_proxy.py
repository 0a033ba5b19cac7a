"""A proxy on loopback between agents and a gateway that does what networks and overloaded gateways do, by dice.

It also writes down which events a gateway acknowledged to a client: tests need not believe the client's records.
"""

from __future__ import annotations

import gzip
import http.client
import json
import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Fault = Literal["slow", "cut before", "cut midway", "cut after", "500", "429", "401", "503", "nonsense"]
ALL: tuple[Fault, ...] = ("cut before", "cut midway", "cut after", "500", "429", "503", "nonsense")
"""Those that a client gets over by trying again at once."""

SLOW_S = 1.5
"""How long a slow gateway takes; clients in tests give up before."""

_UPSTREAM_S = 30.0


class FaultProxy:
    """The state of a proxy; the port of the gateway may change while it runs.

    Args:
        share: How many of the requests meet with a fault, 0 to 1.
    """

    def __init__(self, faults: tuple[Fault, ...], share: float, seed: int) -> None:
        self.faults, self.share = faults, share
        self.gateway_port = 0
        self.port = 0
        self.happened: Counter[str] = Counter()
        self.acknowledged: dict[str, set[str]] = {}
        """By session, the keys of events that a whole answer said were accepted."""
        self._dice = random.Random(seed)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """What clients take for the gateway."""
        return f"http://127.0.0.1:{self.port}"

    def heal(self) -> None:
        """No fault from now on."""
        self.share = 0.0

    def draw(self) -> Fault | None:
        """The fate of the next request."""
        with self._lock:
            fault = self._dice.choice(self.faults) if self._dice.random() < self.share else None
            self.happened[fault or "none"] += 1
            return fault

    def note(self, path: str, headers: Any, body: bytes, answer: bytes) -> None:
        """A whole answer of 2xx to a batch went to the client."""
        if not path.endswith("/events"):
            return
        data = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
        found = json.loads(answer)
        refused = {entry["index"] for entry in found["rejected"]}
        with self._lock:
            for index, event in enumerate(json.loads(data)["events"]):
                if index not in refused:
                    self.acknowledged.setdefault(event["session_id"], set()).add(event["idempotency_key"])


@contextmanager
def between(faults: tuple[Fault, ...], share: float, seed: int = 7) -> Iterator[FaultProxy]:
    """A proxy on a port of its own while the block runs."""
    proxy = FaultProxy(faults, share, seed)
    server = _Server(("127.0.0.1", 0), _handler(proxy))
    proxy.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True  # clients that keep their connections would keep threads

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is part of the test."""


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            match proxy.draw():
                case "cut before":
                    self._hang_up()
                case "cut midway":
                    self._forward(body, len(body) // 2)
                    self._hang_up()
                case "cut after":
                    self._forward(body)
                    self._hang_up()
                case "nonsense":
                    self._forward(body)
                    self._answer(200, b'{"accepted":1,"rejected":"')
                case "slow":
                    threading.Event().wait(SLOW_S)
                    self._pass_on(body)
                case "500" | "503" | "401" as status:
                    self._answer(int(status), b'{"detail":"a fault"}')
                case "429":
                    self._answer(429, b'{"detail":"too many"}', retry_after="0")
                case None:
                    self._pass_on(body)

        def do_GET(self) -> None:
            self._pass_on(b"")

        def _pass_on(self, body: bytes) -> None:
            found = self._forward(body)
            if found is None:
                self._hang_up()
                return
            status, answer = found
            self._answer(status, answer)
            if status < 300:
                proxy.note(self.path, self.headers, body, answer)

        def _forward(self, body: bytes, length: int | None = None) -> tuple[int, bytes] | None:
            """Status and body of the gateway's answer; None when it gave none. `length`: only so much is sent."""
            connection = http.client.HTTPConnection("127.0.0.1", proxy.gateway_port, timeout=_UPSTREAM_S)
            try:
                connection.putrequest(self.command, self.path, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() not in ("host", "connection", "accept-encoding"):
                        connection.putheader(name, value)
                connection.endheaders()
                connection.send(body if length is None else body[:length])
                if length is not None:
                    return None
                answer = connection.getresponse()
                return answer.status, answer.read()
            except (OSError, http.client.HTTPException):
                return None
            finally:
                connection.close()

        def _answer(self, status: int, body: bytes, retry_after: str | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.end_headers()
            self.wfile.write(body)

        def _hang_up(self) -> None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

        def log_message(self, format: str, *words: object) -> None:
            pass

    return Handler
