"""A model provider on loopback: OpenAI chat, responses and embeddings, Anthropic messages, streamed or not.

    with StubServer() as stub:
        client = openai.OpenAI(base_url=stub.openai_url, api_key="stub")

What it says is decided by `stub_replies`; what goes wrong by the model's name (`Trouble`). Every request is kept in
`stub.requests`.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.adapters import stub_anthropic, stub_openai
from tests.adapters.stub_replies import Conversation, Reply, answer

Json = dict[str, Any]


class Trouble(StrEnum):
    """Parts of a model's name that make its calls go wrong, e.g. `gpt-4o-error-500`."""

    BAD_REQUEST = "error-400"
    UNAUTHORIZED = "error-401"
    RATE_LIMIT = "error-429"
    SERVER = "error-500"
    FLAKY = "flaky"
    """429 with no wait for the first request of a model, then as usual."""
    SLOW = "slow"
    """No answer until the server stops: for timeouts."""
    CUT = "cut"
    """A stream that breaks off after two events, without its end."""
    STREAM_ERROR = "stream-error"
    """A stream that reports an error after two events."""
    GARBLED = "garbled"
    """An answer that is no JSON."""


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    path: str
    body: Json
    headers: dict[str, str]


@dataclass(frozen=True)
class _Format:
    conversation: Callable[[Json], Conversation]
    whole: Callable[[Json, Reply, int], Json]
    stream: Callable[[Json, Reply, int], Iterator[Json]]
    named_events: bool
    """Whether `event:` lines name the events; else the stream ends with `data: [DONE]`."""


_FORMATS = {
    "/v1/chat/completions": _Format(
        stub_openai.chat_conversation, stub_openai.chat_answer, stub_openai.chat_stream, False
    ),
    "/v1/responses": _Format(
        stub_openai.responses_conversation, stub_openai.responses_answer, stub_openai.responses_stream, True
    ),
    "/v1/messages": _Format(stub_anthropic.conversation, stub_anthropic.message, stub_anthropic.stream, True),
}


class StubServer:
    """The server, in a thread of its own; ends with its block."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.piece_delay_s = 0.0
        """Pause before each streamed event."""
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}
        stub = self

        class Handler(_Handler):
            server_stub = stub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        """For Anthropic clients: they add `/v1/messages`."""
        self.openai_url = f"{self.url}/v1"
        """For OpenAI clients."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, request: Request) -> tuple[int, int]:
        """Keep a request; returns its number and how often its model was asked before."""
        with self._lock:
            self.requests.append(request)
            model = str(request.body.get("model"))
            before = self._seen.get(model, 0)
            self._seen[model] = before + 1
            return len(self.requests), before


class _Server(ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that resets its connection is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_stub: StubServer

    def log_message(self, *args: object) -> None:
        """Nothing: tests look at `requests`."""

    def do_GET(self) -> None:
        self.server_stub.take(Request(self.path, {}, dict(self.headers)))
        self._json(200, {"object": "list", "data": []})

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(raw or b"{}")
        path = self.path.partition("?")[0]
        number, before = self.server_stub.take(Request(path, body, dict(self.headers)))
        model = str(body.get("model", ""))
        if Trouble.SLOW in model:
            self.server_stub.stopping.wait(60)
            self.close_connection = True
        elif (status := _status(model, before)) != 200:
            self._failure(status)
        elif Trouble.GARBLED in model:
            self._send(200, "application/json", b"{no json")
        elif path == "/v1/embeddings":
            self._json(200, stub_openai.embeddings_answer(body))
        elif path == "/v1/messages/count_tokens":
            self._json(200, {"input_tokens": 11})
        elif (wire := _FORMATS.get(path)) is None:
            self._json(404, {"error": {"message": f"no such path: {path}", "type": "not_found"}})
        else:
            reply = answer(wire.conversation(body), number)
            if body.get("stream"):
                self._stream(wire, body, reply, number, model)
            else:
                self._json(200, wire.whole(body, reply, number))

    def _stream(self, wire: _Format, body: Json, reply: Reply, number: int, model: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("x-request-id", f"req_{number}")
        self.end_headers()
        try:
            for index, event in enumerate(wire.stream(body, reply, number)):
                if index == 2 and Trouble.CUT in model:
                    self.close_connection = True
                    return
                if index == 2 and Trouble.STREAM_ERROR in model:
                    error = {"type": "overloaded_error", "message": "the stub is overloaded", "code": None}
                    self._event({"type": "error", "error": error}, wire.named_events)
                    break
                if self.server_stub.piece_delay_s:
                    time.sleep(self.server_stub.piece_delay_s)
                self._event(event, wire.named_events)
            else:
                if not wire.named_events:
                    self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")
        except OSError:  # the client has enough
            self.close_connection = True

    def _event(self, event: Json, is_named: bool) -> None:
        name = f"event: {event['type']}\n" if is_named else ""
        self._chunk(f"{name}data: {json.dumps(event)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _failure(self, status: int) -> None:
        """Both providers' clients find what they look for in it."""
        message = f"the stub answers {status}"
        error = {"type": "stub_error", "message": message, "code": None, "param": None}
        self._json(status, {"type": "error", "error": error}, {"retry-after-ms": "1"})

    def _json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        self._send(status, "application/json", json.dumps(body).encode(), headers)

    def _send(self, status: int, kind: str, data: bytes, headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {
                **(headers or {}),
                "Content-Type": kind,
                "Content-Length": str(len(data)),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)
        except OSError:  # the client has gone
            self.close_connection = True


def _status(model: str, before: int) -> int:
    for trouble in (Trouble.BAD_REQUEST, Trouble.UNAUTHORIZED, Trouble.RATE_LIMIT, Trouble.SERVER):
        if trouble in model:
            return int(trouble.value.rpartition("-")[2])
    return 429 if Trouble.FLAKY in model and before == 0 else 200
