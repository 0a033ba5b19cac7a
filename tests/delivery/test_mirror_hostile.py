"""A mirror of a gateway that means no good: bounded, inside its directory, and told in words."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.mirror import Round, opened
from promptetheus.delivery.remote_project import CannotRead

PNG = b"\x89PNG\r\n\x1a\n"


def mirror_once(target: Destination, project: str, into: Path) -> Round:
    with opened(target, project, into) as mirror:
        return mirror.refresh()


@contextmanager
def answering(answers: dict[str, Any]) -> Iterator[Destination]:
    """A gateway that gives these answers, by the beginning of the path."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = next(answer for path, answer in answers.items() if self.path.startswith(path))
            body = found if isinstance(found, bytes) else json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Destination(f"http://127.0.0.1:{server.server_port}", "a-key", 20.0)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PROJECTS = {"projects": [{"id": "p", "name": "P"}, 7, {"id": None}]}


def an_event(**fields: Any) -> dict[str, Any]:
    return {"session_id": "s", "seq": 0, "idempotency_key": "k", "type": "metric", "payload": {}, **fields}


def test_what_is_no_event_of_the_session_is_left_out(tmp_path: Path) -> None:
    events = [
        an_event(),
        an_event(session_id="../../other"),
        an_event(seq="0"),
        an_event(idempotency_key=None),
        an_event(payload={"text": "x" * (2 << 20)}),
        "text",
        None,
    ]
    session = {"session_id": "s", "event_count": 7, "received_at": "2026-01-01T00:00:00Z"}
    answers = {
        "/api/projects": PROJECTS,
        "/api/sessions": {"sessions": [session, None, {"session_id": 1}, {"session_id": "x" * 9999}]},
        "/api/traces": {"events": events},
    }
    with answering(answers) as target:
        mirror_once(target, "P", tmp_path / "there")
        assert mirror_once(target, "P", tmp_path / "there").sessions == 0
    [path] = (tmp_path / "there").glob("*.jsonl")
    assert len(path.read_bytes().splitlines()) == 1


def test_an_id_that_is_a_path_stays_in_the_directory(tmp_path: Path) -> None:
    name = "../../../escape"
    answers = {
        "/api/projects": PROJECTS,
        "/api/sessions": {"sessions": [{"session_id": name, "event_count": 1}]},
        "/api/traces": {"events": [an_event(session_id=name)]},
    }
    with answering(answers) as target:
        mirror_once(target, "p", tmp_path / "deep" / "there")
    inside = tmp_path / "deep" / "there"
    assert all(path.is_relative_to(inside) for path in tmp_path.rglob("*") if path.is_file())
    assert len(list(inside.glob("*.jsonl"))) == 1


def test_a_list_without_an_end_is_given_up(tmp_path: Path) -> None:
    answers = {"/api/projects": PROJECTS, "/api/sessions": {"sessions": [], "next_cursor": "again"}}
    with answering(answers) as target, pytest.raises(CannotRead, match="without an end"):
        mirror_once(target, "p", tmp_path / "there")


def test_events_without_an_end_stop_at_the_cap(tmp_path: Path) -> None:
    answers = {
        "/api/projects": PROJECTS,
        "/api/sessions": {"sessions": [{"session_id": "s", "event_count": 1}]},
        "/api/traces": {"events": [an_event(payload={"text": "x" * 1000})] * 50, "next_cursor": "again"},
    }
    with answering(answers) as target, opened(target, "p", tmp_path / "there", 200_000) as mirror:
        assert mirror.refresh().is_full
    assert (tmp_path / "there" / "s.jsonl").stat().st_size < 300_000


def test_other_bytes_than_the_hash_says_are_no_artifact(tmp_path: Path) -> None:
    path = f"artifacts/ab/ab{'0' * 62}.png"
    answers = {
        "/api/projects": PROJECTS,
        "/api/sessions": {"sessions": [{"session_id": "s", "event_count": 1}]},
        "/api/traces": {"events": [an_event(type="screenshot", payload={"storage_path": path})]},
        "/artifacts": PNG,
    }
    with answering(answers) as target:
        assert mirror_once(target, "p", tmp_path / "there").lost_artifacts == 1
    assert not list((tmp_path / "there").rglob("*.png"))


def test_an_answer_that_is_no_json_is_told_as_such(tmp_path: Path) -> None:
    with answering({"/": b"<html>"}) as target, pytest.raises(CannotRead, match="Promptetheus gateway"):
        mirror_once(target, "p", tmp_path / "there")
