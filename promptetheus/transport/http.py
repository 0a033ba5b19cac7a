"""Events straight to a gateway, for programs that want to know at once. Nothing is kept on disk: agents are better
served by the spool and its delivery (`transport="auto"`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.wire import account, batch_body
from promptetheus.encoding import encode_line
from promptetheus.settings import get_config
from promptetheus.transport.memory import BaseTransport


class HTTPTransport(BaseTransport):
    """Sends each call's events before it returns, and raises when they do not arrive.

    Args:
        endpoint: URL of the gateway.
        api_key: Key of a project there.
        timeout: Seconds for a request; None: the setting `http_timeout`.

    Raises:
        RuntimeError: The gateway answered that it does not take them ("Promptetheus HTTP 401: …"), refused some
            of them, or the transport is closed.
        ConnectionError: There was no answer.
    """

    def __init__(self, endpoint: str, api_key: str | None = None, timeout: float | None = None) -> None:
        super().__init__()
        from promptetheus.delivery.client import Client

        self.endpoint = endpoint.rstrip("/") + "/"
        self.api_key = api_key
        self.timeout = get_config().http_timeout if timeout is None else timeout
        self._client = Client(Destination(endpoint.rstrip("/"), api_key or "", self.timeout))

    def create_trace(self, trace: Mapping[str, Any]) -> None:
        """Tell the gateway of a session."""
        _raise_for(self._client.create_trace(dict(trace)))

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Send one event."""
        self.send_batch([event])

    def send_batch(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Send events, one request for each run of the same session."""
        if self._closed:
            raise RuntimeError("the transport is closed")
        for session_id, batch in runs_of_sessions(events):
            answer = self._client.send_events(session_id, batch_body([encode_line(event) for event in batch]))
            _raise_for(answer)
            refused = account(answer.body, [str(event.get("idempotency_key")) for event in batch]).refused
            if refused:
                raise RuntimeError(f"the gateway refused {len(refused)} event(s): {refused[0].reason}")

    def upload_artifact(
        self, session_id: str, *, body: bytes, content_type: str, filename: str | None, artifact_type: str
    ) -> dict[str, Any]:
        """Send a picture or recording; its identity at the gateway."""
        import hashlib

        import orjson

        answer = self._client.send_artifact(
            session_id,
            body,
            artifact_id=hashlib.sha256(body).hexdigest(),
            content_type=content_type,
            filename=filename or "artifact.bin",
            kind=artifact_type,
        )
        _raise_for(answer)
        found = orjson.loads(answer.body)
        artifact = found.get("artifact", found)
        return {name: artifact[name] for name in ("artifact_id", "storage_path")}

    def close(self) -> None:
        """Close the connections and refuse further events."""
        super().close()
        self._client.close()


def runs_of_sessions(
    events: Iterable[Mapping[str, Any]],
) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    """Neighbouring events of the same session together."""
    session_id = ""
    batch: list[Mapping[str, Any]] = []
    for event in events:
        named = str(event.get("session_id") or "unknown-session")
        if batch and named != session_id:
            yield session_id, batch
            batch = []
        session_id = named
        batch.append(event)
    if batch:
        yield session_id, batch


def _raise_for(answer: Any) -> None:
    if answer.status == 0:
        raise ConnectionError(answer.error)
    if not answer.is_ok:
        raise RuntimeError(f"Promptetheus {answer.error}")
