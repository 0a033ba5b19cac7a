"""A project of a gateway, read over its API with a key that may read.

GET {api_url}/api/projects                          which projects the key sees
GET {api_url}/api/sessions?project_id=…             sessions, newest first, by cursor
GET {api_url}/api/traces/{session}/events           events by `seq`, by cursor, after a `seq`
GET {api_url}/artifacts/{sha256}                    an artifact's bytes

Answers are untrusted: they are read up to a size, checked for form, and everything else in them is passed over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import orjson

from promptetheus.clock import parse_timestamp
from promptetheus.delivery.client import Answer, Client
from promptetheus.delivery.wire import trace_url
from promptetheus.encoding import encode_line
from promptetheus.spool import LINE_LIMIT_BYTES

MAX_PAGE_BYTES = 32 << 20
"""A page of events that is longer is asked for again with half as many."""

MAX_ARTIFACT_BYTES = 64 << 20
_PAGE_EVENTS = 2000
_PAGE_SESSIONS = 200
_MAX_PAGES = 1000
_MAX_ID_LENGTH = 512
_MAX_CURSOR_LENGTH = 4096
_SCOPE = ("workspace_id", "project_id")
"""What the gateway adds to an event; a line of a spool does not have it."""


class CannotRead(Exception):
    """The gateway did not give what was asked for; the text says why and what to do."""


class GatewayAway(CannotRead):
    """It does not answer, or cannot do anything at the moment: later it may."""


class RemoteProject(NamedTuple):
    """A project that the key sees."""

    project_id: str
    name: str


class RemoteSession(NamedTuple):
    """What a list says of a session."""

    session_id: str
    events: int
    changed: str
    """When the gateway last received something of it, as it says so: compared for equality only."""
    changed_s: float | None
    """The same in seconds since 1970."""


class EventPage(NamedTuple):
    """Some events of a session."""

    lines: list[bytes]
    """As they stand in a spool."""
    last_seq: int
    """The highest `seq` among them; -1 without any."""
    cursor: str | None
    """Where to go on; None at the end."""


class ProjectReader:
    """Reads over one client. Every method raises CannotRead."""

    def __init__(self, client: Client, api_url: str) -> None:
        self._client = client
        self._api_url = api_url
        self._page_events = _PAGE_EVENTS

    def find(self, wanted: str) -> RemoteProject:
        """The project with this id, or else with this name."""
        found = self._json("/api/projects").get("projects")
        projects = [
            RemoteProject(entry["id"], entry["name"] if isinstance(entry.get("name"), str) else entry["id"])
            for entry in (found if isinstance(found, list) else [])
            if isinstance(entry, dict) and _is_id(entry.get("id"))
        ]
        matching = [project for project in projects if project.project_id == wanted] or [
            project for project in projects if project.name == wanted
        ]
        if len(matching) == 1:
            return matching[0]
        named = ", ".join(f"{project.name} ({project.project_id})" for project in projects[:20]) or "none"
        if matching:
            raise CannotRead(
                f"several projects are named {wanted!r}: say which by its id. There are: {named}"
            )
        raise CannotRead(f"the key sees no project {wanted!r}. It sees: {named}")

    def sessions(self, project_id: str | None) -> Iterator[RemoteSession]:
        """Sessions, newest first; of all projects that the key sees with None."""
        cursor: str | None = None
        known: set[str] = set()
        for _ in range(_MAX_PAGES):
            page = self._json(
                "/api/sessions?" + _query(project_id=project_id, limit=_PAGE_SESSIONS, cursor=cursor)
            )
            listed = page.get("sessions")
            for entry in listed if isinstance(listed, list) else []:
                session = _session(entry)
                if session is not None and session.session_id not in known:
                    known.add(session.session_id)
                    yield session
            before, cursor = cursor, _cursor(page)
            if cursor is None:
                return
            if cursor == before:
                break
        raise CannotRead(f"{self._api_url} lists sessions without an end")

    def events(
        self, project_id: str, session_id: str, *, after_seq: int = -1, cursor: str | None = None
    ) -> EventPage:
        """The events behind a `seq`, or behind the page that had this cursor."""
        place = {"cursor": cursor} if cursor is not None else {"after_seq": after_seq}
        path = trace_url("", session_id, "events")
        while True:
            query = _query(project_id=project_id, limit=self._page_events, **place)
            answer = self._client.get(f"{path}?{query}", MAX_PAGE_BYTES)
            if not answer.is_cut or self._page_events == 1:
                break
            self._page_events //= 2
        page = _object(self._checked(answer, path))
        lines, last_seq = [], -1
        listed = page.get("events")
        for event in listed if isinstance(listed, list) else []:
            line = _line(event, session_id)
            if line is not None:
                lines.append(line)
                last_seq = max(last_seq, event["seq"])
        return EventPage(lines, last_seq, _cursor(page))

    def artifact(self, project_id: str, digest: str) -> bytes | None:
        """The bytes with this SHA-256; None when the gateway does not have them, or has others or too many."""
        path = f"/artifacts/{digest}?{_query(project_id=project_id)}"
        answer = self._client.get(path, MAX_ARTIFACT_BYTES)
        if answer.status in (404, 410) or answer.is_cut:
            return None
        data = self._checked(answer, path).body
        return data if hashlib.sha256(data).hexdigest() == digest else None

    def _json(self, path: str) -> dict[str, Any]:
        return _object(self._checked(self._client.get(path, MAX_PAGE_BYTES), path))

    def _checked(self, answer: Answer, path: str) -> Answer:
        if answer.is_cut:
            raise CannotRead(f"an answer of {self._api_url} is longer than {MAX_PAGE_BYTES >> 20} MiB")
        if answer.is_ok:
            return answer
        if not answer.status:
            raise GatewayAway(f"{self._api_url} cannot be reached: {answer.error}")
        if answer.status in (401, 403):
            raise CannotRead(
                f"{self._api_url} refuses the key: {answer.error}. Set PROMPTETHEUS_API_KEY to one that may read"
            )
        kind = GatewayAway if answer.status == 429 or answer.status >= 500 else CannotRead
        raise kind(f"{self._api_url}{path.partition('?')[0]}: {answer.error}")


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = orjson.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise CannotRead("the answer is no JSON object; is this a Promptetheus gateway?")
    return found


def _session(entry: object) -> RemoteSession | None:
    if not isinstance(entry, dict) or not _is_id(entry.get("session_id")):
        return None
    events, changed = entry.get("event_count"), entry.get("received_at")
    if type(events) is not int or events < 1:  # declared, and nothing was sent yet
        return None
    text = changed if isinstance(changed, str) else ""
    return RemoteSession(entry["session_id"], events, text[:64], parse_timestamp(text))


def _line(event: object, session_id: str) -> bytes | None:
    if not isinstance(event, dict) or event.get("session_id") != session_id:
        return None
    if type(event.get("seq")) is not int or not isinstance(event.get("idempotency_key"), str):
        return None
    line = encode_line({name: value for name, value in event.items() if name not in _SCOPE})
    return line if len(line) <= LINE_LIMIT_BYTES else None


def _cursor(page: dict[str, Any]) -> str | None:
    found = page.get("next_cursor")
    return found if isinstance(found, str) and 0 < len(found) <= _MAX_CURSOR_LENGTH else None


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_ID_LENGTH


def _query(**values: object) -> str:
    return urlencode({name: value for name, value in values.items() if value is not None})
