"""The MCP of a gateway's project: over streamable HTTP, through the bridge, and the five endpoints of 2.0.1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

import httpx
import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from promptetheus.delivery.replay import replay
from promptetheus.server.mcp import PromptetheusAPIClient
from tests.delivery.test_with_gateway import Gateway
from tests.sdk.programs import environment

KEY = "pt_dev_key"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, spool: Path) -> Iterator[Gateway]:
    found = Gateway(tmp_path_factory.mktemp("hosted") / "gateway")
    found.start()
    done = replay(sorted(spool.glob("*.jsonl")), found.target)
    assert not done.failure and not done.refused
    yield found
    found.kill()


def said(result: Any) -> str:
    return str(result.content[0].text)


def with_key(gateway: Gateway, key: str = KEY) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60.0)


async def test_the_same_tools_answer_over_http(gateway: Gateway) -> None:
    url = f"{gateway.target.api_url}/mcp/ws_dev/proj_dev"
    async with (
        with_key(gateway) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        assert len((await client.list_tools()).tools) == 8
        assert "4 failed goal" in said(await client.call_tool("situation", {}))
        assert "effective divergence" in said(await client.call_tool("compare", {"a": "fail-0"}))


async def test_the_bridge_makes_it_stdio(gateway: Gateway) -> None:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "promptetheus", "mcp", "--hosted", f"{gateway.target.api_url}/mcp/ws_dev/proj_dev"],
        env={**environment(), "PROMPTETHEUS_API_KEY": KEY},
    )
    async with Client(stdio_client(command)) as client:
        assert len((await client.list_tools()).tools) == 8
        assert "4 failed goal" in said(await client.call_tool("situation", {}))


@pytest.mark.parametrize(
    ("place", "key", "status"),
    [("ws_dev/proj_dev", "wrong", 401), ("ws_dev/other", KEY, 404), ("other/proj_dev", KEY, 404)],
)
def test_a_foreign_project_is_not_found(place: str, key: str, status: int, gateway: Gateway) -> None:
    found = httpx.post(
        f"{gateway.target.api_url}/mcp/{place}",
        headers={"Authorization": f"Bearer {key}", "Accept": "application/json, text/event-stream"},
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
    )
    assert found.status_code == status


def test_the_five_endpoints_of_the_last_release(gateway: Gateway) -> None:
    client = PromptetheusAPIClient(gateway.target.api_url, KEY, timeout=60.0)
    try:
        for answer in (
            client.get_failure_context(session_id="fail-0"),
            client.get_promptetheus_evidence(session_id="fail-0"),
            client.search_promptetheus_logs("book", query="Wednesday"),
            client.get_promptetheus_advisors(),
            client.get_fix_brief(session_id="fail-0"),
        ):
            assert answer["ok"] is True and answer["text"], answer
        assert client.get_failure_context(session_id="nope")["status"] == 404
    finally:
        client._client.close()
