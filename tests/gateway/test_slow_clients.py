"""Connections that take their time, or never end, hold nothing up: a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from promptetheus.gateway.app import create_app
from promptetheus.gateway.options import Limits, Options
from promptetheus.gateway.server import listen, server_for
from tests.gateway.running import KEY, eventually

HEAD = (
    "POST /api/traces/s1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    f"Authorization: Bearer {KEY}\r\n"
).encode()


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A gateway that waits for nobody longer than a second, served by a thread."""
    limits = replace(Limits(), header_timeout_s=1.0, body_timeout_s=1.0)
    options = Options(mode="dev", directory=tmp_path / "gateway", api_key=KEY, limits=limits)
    listening = listen("127.0.0.1", 0)
    server: uvicorn.Server = server_for(create_app(options), limits, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        eventually(lambda: server.started, "the server runs")
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def answer_of(connection: socket.socket) -> bytes:
    """All that comes until the server closes."""
    connection.settimeout(60)
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def is_alive(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return b'{"status":"ok"}' in answer_of(connection)


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        assert answer_of(connection) == b""
    assert is_alive(port)


def test_a_head_that_comes_letter_by_letter_is_not_waited_for(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(HEAD)
        stop = time.monotonic() + 60
        try:
            while time.monotonic() < stop:
                connection.sendall(b"X-A: b\r\n")
                time.sleep(0.05)
        except OSError:
            pass  # closed, as it should be
        else:
            pytest.fail("the server took a head for a minute")
    assert is_alive(port)


def test_a_head_without_end_is_cut_off(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(HEAD)
        line = b"X-A: " + b"a" * 1000 + b"\r\n"
        with pytest.raises(OSError):
            for _ in range(100_000):
                connection.sendall(line)
    assert is_alive(port)


def test_hundreds_of_slow_connections_leave_room_for_others(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), 60) for _ in range(300)]
    try:
        for connection in slow:
            connection.sendall(HEAD)
        assert is_alive(port)
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_does_not_come_is_a_408(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        assert answer_of(connection).startswith(b"HTTP/1.1 408")
    assert is_alive(port)


def test_a_body_of_a_gigabyte_is_refused_before_it_is_sent(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(HEAD + b"Content-Length: 1073741824\r\n\r\n")
        assert answer_of(connection).startswith(b"HTTP/1.1 413")
    assert is_alive(port)


def test_a_chunked_body_of_a_gigabyte_is_cut_off_at_the_limit(port: int) -> None:
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(1024):
                connection.sendall(chunk)
                sent += 1
        except OSError:
            pass
    assert sent < 200
    assert is_alive(port)


def test_an_artifact_of_a_gigabyte_is_refused(port: int) -> None:
    head = HEAD.replace(b"/events", b"/artifacts").replace(b"application/json", b"image/png")
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.sendall(head + b"Content-Length: 1073741824\r\n\r\n")
        assert answer_of(connection).startswith(b"HTTP/1.1 413")
    assert is_alive(port)
