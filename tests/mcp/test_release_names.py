"""`promptetheus.server.mcp`, as programs of release 2.0.1 use it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from promptetheus.server.mcp import MCPConfig, PromptetheusAPIClient, resolve_mcp_config
from promptetheus.settings import Config, override_config
from tests.delivery import stub_gateway
from tests.delivery.stub_gateway import KEY, Reply, StubGateway, times


@pytest.fixture
def gateway() -> Iterator[StubGateway]:
    with stub_gateway.running() as found:
        yield found


@pytest.fixture
def client(gateway: StubGateway) -> Iterator[PromptetheusAPIClient]:
    found = PromptetheusAPIClient(gateway.url, KEY)
    yield found
    found._client.close()


def test_requests_are_as_they_were(gateway: StubGateway, client: PromptetheusAPIClient) -> None:
    client.get_promptetheus_evidence(session_id="s", services=[" a ", "", *"bcdefghijkl"], limit="many")
    client.get_promptetheus_advisors("nonsense")
    evidence, advisors = gateway.requests
    assert evidence.path == "/mcp/promptetheus/evidence"
    assert json.loads(evidence.body) == {"session_id": "s", "services": list("abcdefghij"), "limit": 20}
    assert json.loads(advisors.body) == {"type": "security"}
    assert evidence.headers["x-promptetheus-client"] == "mcp"
    assert evidence.headers["user-agent"] == "promptetheus-mcp/0.0.1"


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(200, b'{"evidence":[1]}'), {"ok": True, "status": 200, "evidence": [1]}),
        (Reply(200, b"[1]"), {"ok": True, "status": 200, "data": [1]}),
        (Reply(200, b"<html>"), {"ok": False, "status": 200}),
        (Reply(403, b'{"detail":"no"}'), {"ok": False, "status": 403}),
        (Reply(hang_up=True), {"ok": False, "status": None}),
    ],
)
def test_every_answer_is_an_object(
    reply: Reply, expected: dict[str, object], gateway: StubGateway, client: PromptetheusAPIClient
) -> None:
    gateway.rules.append(times(1, reply, path="/fix-brief"))
    found = client.get_fix_brief(session_id="s")
    assert expected.items() <= found.items()
    assert found["source"] == {
        "service": "promptetheus-hosted-api",
        "method": "POST",
        "url": f"{gateway.url}/mcp/fix-brief",
    }


def test_the_configuration_needs_a_key_and_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMPTETHEUS_API_KEY", raising=False)
    with override_config(Config()), pytest.raises(RuntimeError, match="PROMPTETHEUS_API_KEY"):
        resolve_mcp_config()
    assert "secret" not in repr(MCPConfig("http://127.0.0.1", "secret"))
