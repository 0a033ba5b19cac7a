"""A gateway on loopback that keeps what it is sent, and misbehaves when it is told to."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

KEY = "pt_live_test"


@dataclass
class Request:
    """What was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(json.loads(self.body)["events"])


@dataclass
class Reply:
    """What is answered instead of the usual; `hang_up` closes the connection without an answer."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False


Rule = Callable[[Request], Reply | None]


class StubGateway:
    """`gateway.events["session"]` are its events in order of arrival, each once by its key."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.artifacts: dict[str, bytes] = {}
        self.traces: dict[str, dict[str, Any]] = {}
        self.rules: list[Rule] = []
        """Asked in order before the usual answer; the first that gives a reply decides."""
        self.connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        gateway = self

        class Handler(_Handler):
            owner = gateway

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; `start` takes the same port again."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            for connection in list(self.connections):
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def answer(self, request: Request) -> Reply:
        with self._lock:
            self.requests.append(request)
            for rule in self.rules:
                reply = rule(request)
                if reply is not None:
                    return reply
            return self._usual(request)

    def batches(self) -> list[Request]:
        """The requests with events."""
        return [request for request in self.requests if request.path.endswith("/events")]

    def _usual(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}" and request.path != "/health":
            return Reply(401, b'{"detail":"unknown key"}')
        parts = request.path.strip("/").split("/")
        if parts == ["api", "traces"]:
            trace = json.loads(request.body)
            self.traces[trace["id"]] = trace
            return Reply(201, json.dumps({"trace": trace}).encode())
        if parts[-1] == "events":
            kept = self.events.setdefault(unquote(parts[2]), [])
            known = {event["idempotency_key"] for event in kept}
            kept += [event for event in request.events if event["idempotency_key"] not in known]
            return Reply(body=json.dumps({"accepted": len(request.events), "rejected": []}).encode())
        if parts[-1] == "artifacts":
            name = request.headers["x-promptetheus-artifact-id"]
            self.artifacts[name] = request.body
            artifact = {"artifact_id": name, "storage_path": f"artifacts/{name}"}
            return Reply(201, json.dumps({"artifact": artifact}).encode())
        return Reply(body=b'{"status":"ok"}')


class _Handler(BaseHTTPRequestHandler):
    owner: StubGateway
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        reply = self.owner.answer(Request(self.command, path, headers, body))
        if reply.hang_up:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_POST = _handle

    def handle(self) -> None:
        self.owner.connections.add(self.connection)
        try:
            super().handle()
        except (OSError, ValueError):  # the client went away, or we hung up
            pass
        finally:
            self.owner.connections.discard(self.connection)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def running() -> Iterator[StubGateway]:
    """A gateway until the end of the block."""
    gateway = StubGateway()
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


def times(number: int, reply: Reply, *, path: str = "/events") -> Rule:
    """Give this reply to so many requests."""
    left = [number]

    def rule(request: Request) -> Reply | None:
        if not request.path.endswith(path) or not left[0]:
            return None
        left[0] -= 1
        return reply

    return rule
