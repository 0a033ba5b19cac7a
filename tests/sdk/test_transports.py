"""Transports: objects of the user that take the events, and the names of those that come with us."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.trace import resolve_transport
from promptetheus.transport import BaseTransport, InMemoryTransport, LocalSpoolTransport
from tests.sdk.spooled import a_session, events_of


def test_a_transport_gets_the_events_in_their_documented_shape() -> None:
    transport = InMemoryTransport()
    with pt.start(agent="a", user_goal="g", transport=transport, metadata={"m": 1}) as session:
        session.user_message("x")
    assert [event["type"] for event in transport.events] == ["state_change", "user_message", "session_end"]
    assert all("metadata" not in event for event in transport.events)
    assert transport.flush_count == 2
    assert session.transport is transport


def test_a_transport_keeps_copies_of_its_own() -> None:
    transport = InMemoryTransport()
    documents = [{"id": 1}]
    with pt.start(agent="a", user_goal="g", transport=transport) as session:
        session.retrieval("q", documents)
        documents.clear()
    assert transport.events[1]["payload"]["documents"] == [{"id": 1}]


def test_helpers_without_a_with_block_announce_nothing_to_a_transport() -> None:
    transport = InMemoryTransport()
    session = pt.start(agent="a", user_goal="g", transport=transport)
    session.user_message("x")
    assert [(event["type"], event["seq"]) for event in transport.events] == [("user_message", 0)]


def test_a_transport_may_have_batches_only() -> None:
    batches: list[Any] = []

    class Batches:
        def send_batch(self, events: list[Any]) -> None:
            batches.append(events)

    with pt.start(agent="a", user_goal="g", transport=Batches()):
        pass
    assert [len(batch) for batch in batches] == [1, 1]


def test_a_flush_without_a_timeout_is_called_once() -> None:
    """A TypeError is no proof that it takes none: calling again would flush twice."""
    calls = []

    class Plain(InMemoryTransport):
        def flush(self) -> None:  # type: ignore[override]
            calls.append("plain")

    class Broken(InMemoryTransport):
        def flush(self, timeout: float | None = None) -> None:
            calls.append("broken")
            raise TypeError("in the middle of it")

    for transport in (Plain(), Broken()):
        with pt.start(agent="a", user_goal="g", transport=transport):
            pass
    assert calls == ["plain"] * 2 + ["broken"] * 2


def test_a_transport_that_raises_costs_its_events_and_nothing_else() -> None:
    class Broken:
        def create_trace(self, trace: Any) -> None:
            raise RuntimeError("create")

        def send_event(self, event: Any) -> None:
            raise RuntimeError("send")

        def upload_artifact(self, *args: Any, **kwargs: Any) -> None:
            raise RuntimeError("upload")

        def flush(self, timeout: float | None = None) -> None:
            raise RuntimeError("flush")

    with pt.start(agent="a", user_goal="g", transport=Broken()) as session:
        assert session.screenshot(b"x")["payload"] == {"size_bytes": 1, "source_type": "bytes"}
    stats = pt.stats()
    assert stats["dropped"] == {"transport": 3}
    assert set(stats["failed"]) == {"create_trace", "send", "upload", "flush"}


@pytest.mark.parametrize("name", ["spool", "auto", "http", "local", "sqool", None])
def test_every_name_records_to_the_spool_and_an_unknown_one_says_so(
    name: str | None, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        with a_session(spool, transport=name, session_id="s"):
            pass
    assert len(events_of(spool)) == 4
    # An uploader that another test left behind may still say that its gateway cannot be reached.
    warnings = [text for record in caplog.records if "transport=" in (text := record.getMessage())]
    if name in ("local", "sqool"):
        assert warnings == [
            f"promptetheus: transport={name!r} is unknown, recording to the spool; known: auto, spool, http, memory"
        ]
    elif name == "http":
        assert warnings == [
            "promptetheus: transport='http' needs an api_key or PROMPTETHEUS_API_KEY: only the spool is written"
        ]
    else:
        assert warnings == []


def test_memory_keeps_the_events_with_the_session(spool: Path) -> None:
    with a_session(spool, transport="memory") as session:
        pass
    assert isinstance(session.transport, InMemoryTransport)
    assert len(session.transport.events) == 2
    assert not spool.exists()


def test_the_spool_transport_writes_through(spool: Path) -> None:
    transport = LocalSpoolTransport(spool)
    transport.send_event({"type": "metric", "session_id": "a/b", "payload": {"x": {1}}})
    transport.send_batch([{"type": "metric"}])
    assert transport.pending_count == 0
    assert json.loads(transport.path_for_session("a/b").read_text())["payload"] == {"x": [1]}
    assert (spool / "unknown-session.jsonl").exists()
    transport.close()
    assert transport.closed
    with pytest.raises(RuntimeError):
        transport.send_event({})


def test_the_spool_transport_says_when_it_cannot_write(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        LocalSpoolTransport(tmp_path / "file").send_event({"session_id": "s"})


def test_a_session_with_the_spool_transport_records_as_with_the_spool(spool: Path) -> None:
    with pt.start(agent="a", user_goal="g", transport=LocalSpoolTransport(spool)) as session:
        session.screenshot(b"\x89PNG\r\n\x1a\n")
    assert "summary" in events_of(spool)[-1]["metadata"]
    assert (spool / "artifacts").is_dir()


def test_resolve_transport_gives_the_objects(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = InMemoryTransport()
    assert resolve_transport(mine) is mine
    assert isinstance(resolve_transport("memory"), InMemoryTransport)
    for name in (None, "auto", "spool"):
        found = resolve_transport(name, spool_dir=spool)
        assert isinstance(found, LocalSpoolTransport)
        assert found.spool_dir == spool
    with pytest.raises(ValueError, match="api_key or PROMPTETHEUS_API_KEY"):
        resolve_transport("http")
    assert isinstance(resolve_transport("http", api_key="k"), LocalSpoolTransport)
    assert isinstance(resolve_transport("sqool"), LocalSpoolTransport)
    monkeypatch.setenv("PROMPTETHEUS_API_KEY", "k")
    assert isinstance(resolve_transport("http"), LocalSpoolTransport)


def test_the_base_transport_flushes_once_at_its_close() -> None:
    with InMemoryTransport() as transport:
        transport.send_batch([{"a": 1}, {"b": 2}])
    transport.close()
    assert (transport.flush_count, len(transport.events)) == (1, 2)
    with pytest.raises(RuntimeError):
        transport.send_event({})
    with pytest.raises(RuntimeError):
        BaseTransport().send_event({})
