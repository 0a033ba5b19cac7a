"""`AgentRuntime` of two processes' worth, over our own gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

from promptetheus import AgentRuntime
from tests.delivery.test_with_gateway import Gateway


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    found = Gateway(tmp_path_factory.mktemp("runtime") / "gateway")
    found.start()
    yield found
    found.kill()


@pytest.fixture
def two(gateway: Gateway, tmp_path: Path) -> Iterator[tuple[AgentRuntime, AgentRuntime]]:
    """The same session from two places."""
    found = [
        AgentRuntime(
            tmp_path.name,
            endpoint=gateway.target.api_url,
            api_key="pt_dev_key",
            timeout=30.0,
            spool_dir=tmp_path / name,
        )
        for name in ("one", "other")
    ]
    yield found[0], found[1]
    for runtime in found:
        runtime.close()


def test_what_failed_in_one_process_is_told_in_the_other(two: tuple[AgentRuntime, AgentRuntime]) -> None:
    one, other = two
    one.after_tool_call("pytest", command="pytest tests", status="failed", error="1 failed")
    found = other.before_tool_call("pytest", command="pytest tests")
    assert found["seen_recently"] is True and found["hint"]["kind"] == "repeated_tool_failure"
    hint = other.next_hint()
    assert hint is not None and hint["failure_count"] == 1
    one.after_tool_call("pytest", command="pytest tests", status="succeeded")
    assert other.before_tool_call("pytest", command="pytest tests")["hint"] is None


def test_what_was_remembered_in_one_process_is_known_in_the_other(
    two: tuple[AgentRuntime, AgentRuntime],
) -> None:
    one, other = two
    one.remember("hypothesis", {"summary": "the header is missing"}, {"step": 3})
    [entry] = other.get_memory()
    assert (entry["kind"], entry["value"]) == ("hypothesis", {"summary": "the header is missing"})
    one.heartbeat(phase="investigating", current_file="a.py")
