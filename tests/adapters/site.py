"""A web site on loopback for browsers under test, and the browser of the system."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import pytest

from tests.adapters.recorded import Record

BOOKING = """<!doctype html><title>Booking</title><body>
<h1>Book a visit</h1>
<form onsubmit="return false">
  <label>Patient <input name="patient"></label>
  <label>Dentist <select name="dentist"><option value="">Choose<option value="osei">Dr Osei</select></label>
  <label>Remind me <input type="checkbox" name="remind"></label>
  <label>Password <input type="password" name="pw" placeholder="yours"></label>
  <label>Verification code <input name="c1"></label>
  <input name="otp-box" maxlength="1"><input autocomplete="one-time-code" name="x">
  <input type="hidden" name="csrf" value="hidden-csrf-value">
  <button id="book" onclick="document.getElementById('said').textContent = 'Booked.'">Book</button>
</form>
<div role="alert">Times are in UTC.</div>
<p id="said"></p>
<button id="ask" onclick="document.title = confirm('Really?')">Ask</button>
<button id="break" onclick="console.error('It broke:', 42); throw new TypeError('no slot')">Break</button>
<button id="call" onclick="fetch('/missing'); fetch('http://127.0.0.1:1/').catch(() => 0)">Call</button>
<a id="on" href="/done">On</a>
<a id="popup" href="/done" target="_blank">Popup</a>
<iframe name="inner" src="/inner"></iframe>
"""
INNER = '<button onclick="this.textContent = 9">Inside</button><input name="seat" value="12A">'
PAGES = {"/": BOOKING, "/done": "<title>Done</title><h1>All done</h1>", "/inner": INNER}


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = PAGES.get(self.path)
        body = (page or "not here").encode()
        self.send_response(204 if self.path == "/favicon.ico" else 200 if page else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", "0" if self.path == "/favicon.ico" else str(len(body)))
        self.end_headers()
        if self.path != "/favicon.ico":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


class Site:
    """The site, for the time of its block."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def launch_options() -> dict[str, object]:
    """How to launch the browser of the system. Skips the test when there is none."""
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("no chromium: apt-get install chromium")
    return {"executable_path": found, "args": ["--no-sandbox"]}


@pytest.fixture
def site() -> Iterator[Site]:
    """The site, for the time of a test."""
    with Site() as found:
        yield found


def actions(record: Record) -> list[tuple[str, str]]:
    """The recorded actions with their targets."""
    return [(found["action"], found["target"]) for found in record.payloads("browser_action")]


def changes(record: Record, name: str) -> list[Any]:
    """What the state changes of a name changed to."""
    return [found["after"] for found in record.payloads("state_change") if found["name"] == name]
