"""The transport objects of release 2.0.1, on today's delivery."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.settings import Config, override_config
from promptetheus.trace import resolve_transport
from promptetheus.transport import DurableHTTPTransport, HTTPTransport, LocalSpoolTransport
from promptetheus.transport.async_http import AsyncHTTPTransport
from tests.delivery.stub_gateway import KEY, Reply, StubGateway, times


def event(seq: int, session_id: str = "s") -> dict[str, Any]:
    return {
        "type": "metric",
        "session_id": session_id,
        "timestamp": "2026-11-22T10:00:00.000000Z",
        "seq": seq,
        "idempotency_key": f"{session_id}:k:{seq}",
        "payload": {"name": "n", "value": seq},
    }


def test_events_of_several_sessions_go_in_runs(gateway: StubGateway) -> None:
    with HTTPTransport(gateway.url, KEY) as transport:
        assert transport.endpoint == gateway.url + "/"
        transport.send_batch([event(0), event(1), event(0, "t"), event(2)])
    assert [request.path for request in gateway.requests] == [
        "/api/traces/s/events",
        "/api/traces/t/events",
        "/api/traces/s/events",
    ]


def test_the_direct_transport_says_what_went_wrong(gateway: StubGateway) -> None:
    transport = HTTPTransport(gateway.url, "wrong")
    with pytest.raises(RuntimeError, match="Promptetheus HTTP 401: unknown key"):
        transport.send_event(event(0))
    gateway.stop()
    with pytest.raises(ConnectionError):
        transport.send_event(event(0))
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.send_event(event(0))


def test_the_durable_transport_writes_first_and_ships_then(gateway: StubGateway, tmp_path: Path) -> None:
    gateway.stop()
    transport = DurableHTTPTransport(gateway.url, KEY, spool_dir=tmp_path)
    transport.send_batch([event(0), event(1)])
    assert transport.path_for_session("s").read_bytes().count(b"\n") == 2
    gateway.start()
    transport.flush(timeout=30.0)
    assert len(gateway.events["s"]) == 2
    assert transport.stats()["delivered_events"] == 2
    transport.close()


def test_a_session_takes_the_durable_transport(gateway: StubGateway, tmp_path: Path) -> None:
    transport = DurableHTTPTransport(gateway.url, KEY, spool_dir=tmp_path)
    with pt.Session(agent="a", user_goal="g", session_id="s", transport=transport) as session:
        session.metric("n", 1)
        session.flush(timeout=20.0)
        assert len(gateway.events["s"]) == 2


async def test_the_async_transport_keeps_what_was_not_taken(gateway: StubGateway) -> None:
    async with AsyncHTTPTransport(gateway.url, KEY) as transport:
        transport.create_trace({"id": "s", "agent": "a", "user_goal": "g"})
        transport.send_batch([event(0), event(1)])
        transport.send_event(event(0, "t"))
        gateway.rules.append(times(1, Reply(503), path="/api/traces"))
        await transport.flush()
        assert transport.pending_count == 4 and not gateway.events
        gateway.rules.append(times(1, Reply(body=b'{"accepted":1,"rejected":[{"index":0}]}')))
        await transport.flush()
        assert transport.pending_count == 1 and list(gateway.events) == ["t"]
    assert gateway.traces["s"]["agent"] == "a" and len(gateway.events["s"]) == 1
    assert transport.closed and not transport.closed_with_pending


def test_the_key_decides_what_auto_means(gateway: StubGateway, tmp_path: Path) -> None:
    assert type(resolve_transport("auto", spool_dir=tmp_path)) is LocalSpoolTransport
    with pytest.raises(ValueError, match="api_key or PROMPTETHEUS_API_KEY"):
        resolve_transport("http", spool_dir=tmp_path)
    with override_config(Config(api_key=KEY, api_url=gateway.url)):
        found = resolve_transport("auto", spool_dir=tmp_path)
        assert isinstance(found, DurableHTTPTransport) and found.endpoint == gateway.url + "/"
        assert type(resolve_transport("spool", spool_dir=tmp_path)) is LocalSpoolTransport
    with override_config(Config(api_key=KEY, api_url=None)), pytest.raises(ValueError, match="endpoint"):
        resolve_transport("http", spool_dir=tmp_path)
