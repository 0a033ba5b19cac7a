"""The MCP server with the official client: in the process and over stdio."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import TextContent, TextResourceContents

from promptetheus.mcp.evidence import Evidence
from promptetheus.mcp.server import build_server

TOOLS = ["situation", "find", "outline", "step", "compare", "fingerprint", "query", "verify"]
CLASSIC = [
    "get_failure_context",
    "get_promptetheus_evidence",
    "search_promptetheus_logs",
    "get_promptetheus_advisors",
    "get_fix_brief",
]
MAX_SCHEMA_TOKENS = 3_000
BYTES_PER_TOKEN = 3
"""Schemas are JSON with many short words; tokenisers make of them some 3.5 to 4 bytes a token."""


def said(result: Any) -> str:
    return str(result.content[0].text)


async def test_the_schema_is_small_and_every_tool_is_read_only(evidence: Evidence) -> None:
    async with Client(build_server(evidence)) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == TOOLS
    listed = [{"name": t.name, "description": t.description, "inputSchema": t.input_schema} for t in tools]
    size = len(json.dumps(listed).encode())
    print(f"schema of 8 tools: {size} bytes")
    assert size / BYTES_PER_TOKEN <= MAX_SCHEMA_TOKENS
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)


async def test_unknown_arguments_are_refused_with_the_right_name(evidence: Evidence) -> None:
    async with Client(build_server(evidence)) as client:
        result = await client.call_tool("outline", {"sesion": "fail-0"})
    assert result.is_error and "Did you mean 'session'?" in said(result)


async def test_refusals_say_what_would_work(evidence: Evidence) -> None:
    async with Client(build_server(evidence)) as client:
        result = await client.call_tool("outline", {"session": "fail"})
        assert result.is_error and "fail-0, fail-1, fail-2" in said(result)
        result = await client.call_tool("step", {"session": "fail-0", "steps": []})
        assert result.is_error


async def test_a_picture_comes_as_an_image(evidence: Evidence) -> None:
    _, log = evidence.reader.open("fail-0")
    shot = next(step.index for step in log.steps if step.kind.value == "shot")
    async with Client(build_server(evidence)) as client:
        result = await client.call_tool("step", {"session": "fail-0", "steps": [shot], "part": "image"})
        assert result.content[1].type == "image"
        assert base64.b64decode(result.content[1].data).startswith(b"\x89PNG")
        found = await client.read_resource(f"promptetheus://sessions/fail-0/screenshots/{shot}")
        assert found.contents[0].mime_type == "image/png"


async def test_resources_and_the_prompt(evidence: Evidence) -> None:
    async with Client(build_server(evidence)) as client:
        found = await client.read_resource("promptetheus://sessions/fail-0")
        assert isinstance(found.contents[0], TextResourceContents)
        assert "failed goal" in found.contents[0].text
        prompt = await client.get_prompt("fix-failing-run", {"session": "fail-0"})
        assert isinstance(prompt.messages[0].content, TextContent)
        assert "begin with fail-0" in prompt.messages[0].content.text
        with pytest.raises(Exception, match=r"[Uu]nknown|rror"):
            await client.read_resource("promptetheus://sessions/..%2F..%2Fetc")


async def test_the_tools_of_the_last_release_answer_when_asked_for(evidence: Evidence) -> None:
    async with Client(build_server(evidence, classic=True)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS + CLASSIC
        for name, arguments in (
            ("get_failure_context", {"session_id": "fail-0"}),
            ("get_promptetheus_evidence", {"session_id": "fail-0", "limit": 5}),
            ("search_promptetheus_logs", {"service": "book", "query": "Wednesday"}),
            ("get_promptetheus_advisors", {}),
            ("get_fix_brief", {"session_id": "fail-0", "include_evidence": False}),
        ):
            result = await client.call_tool(name, arguments)
            assert not result.is_error, said(result)


async def test_over_stdio_as_a_client_starts_it(spool: Path) -> None:
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "promptetheus", "mcp", "--spool", str(spool)]
    )
    async with Client(stdio_client(command)) as client:
        assert len((await client.list_tools()).tools) == 8
        assert "failed goal" in said(await client.call_tool("situation", {}))
        assert "effective divergence" in said(await client.call_tool("compare", {"a": "fail-0"}))
        assert "rows in" in said(await client.call_tool("query", {"sql": "select 1"}))
