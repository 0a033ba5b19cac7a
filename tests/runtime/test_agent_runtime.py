"""`AgentRuntime` with a gateway, with a bad one, and without."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import AgentRuntime, AsyncAgentRuntime
from promptetheus.settings import Config, override_config
from tests.delivery import stub_gateway
from tests.delivery.stub_gateway import KEY, Reply, Request, StubGateway


@pytest.fixture
def gateway() -> Iterator[StubGateway]:
    with stub_gateway.running() as found:
        yield found


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.delenv("PROMPTETHEUS_API_KEY", raising=False)
    monkeypatch.delenv("PROMPTETHEUS_API_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    with override_config(Config()):
        yield


def connected(gateway: StubGateway, **options: Any) -> AgentRuntime:
    return AgentRuntime("sess/a", endpoint=gateway.url + "/", api_key=KEY, timeout=20.0, **options)


def answering(gateway: StubGateway, answer: object, status: int = 200) -> None:
    def rule(request: Request) -> Reply | None:
        return Reply(status, json.dumps(answer).encode()) if "/runtime/" in request.path else None

    gateway.rules.append(rule)


def test_calls_go_to_the_gateway_with_the_given_keys_only(gateway: StubGateway) -> None:
    answering(gateway, {"seen_recently": True, "attempt_count": 3, "hint": {"message": "no"}})
    runtime = connected(gateway)
    found = runtime.before_tool_call("pytest", command="pytest tests")
    runtime.heartbeat(phase="investigating")
    runtime.close()
    assert (
        found["seen_recently"] is True and found["hint"] == {"message": "no"} and found["attempt_count"] == 3
    )
    call, heartbeat = gateway.requests
    assert call.path == "/api/traces/sess%2Fa/runtime/tool-call"
    assert json.loads(call.body) == {"command": "pytest tests", "status": "planned", "tool_name": "pytest"}
    assert call.headers["authorization"] == f"Bearer {KEY}"
    assert json.loads(heartbeat.body) == {"phase": "investigating"}


def test_an_endpoint_that_ends_in_api_is_not_doubled(gateway: StubGateway) -> None:
    answering(gateway, {"hint": None})
    runtime = AgentRuntime("s", endpoint=gateway.url + "/api/", api_key=KEY, timeout=20.0)
    runtime.next_hint()
    runtime.close()
    assert gateway.requests[0].path == "/api/traces/s/runtime/hint"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ([{"kind": "a"}, 5], [{"kind": "a"}]),
        ({"memory": [{"kind": "b"}]}, [{"kind": "b"}]),
        ({"entries": [{"kind": "c"}]}, [{"kind": "c"}]),
        ({"other": 1}, []),
    ],
)
def test_memory_is_read_in_every_published_shape(
    answer: object, expected: list[object], gateway: StubGateway
) -> None:
    answering(gateway, answer)
    runtime = connected(gateway)
    assert runtime.get_memory(limit=500) == expected
    runtime.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"hint": {"kind": "x"}}, {"kind": "x"}), ({"message": "m"}, {"message": "m"}), ({"hint": None}, None)],
)
def test_hints_are_read_in_every_published_shape(
    answer: object, expected: object, gateway: StubGateway
) -> None:
    answering(gateway, answer)
    runtime = connected(gateway)
    assert runtime.next_hint() == expected
    runtime.close()


def test_secrets_do_not_leave_the_process(gateway: StubGateway) -> None:
    answering(gateway, {})
    runtime = connected(gateway)
    runtime.remember("note", {"password": "hunter2", "text": "sk-proj-" + "a1B2" * 12})
    runtime.close()
    body = gateway.requests[0].body
    assert b"hunter2" not in body and b"a1B2a1B2" not in body


def test_a_gateway_that_never_answers_costs_the_timeout_once(gateway: StubGateway) -> None:
    release = threading.Event()

    def never(request: Request) -> Reply | None:
        release.wait(60)
        return None

    gateway.rules.append(never)
    runtime = AgentRuntime("s", endpoint=gateway.url, api_key=KEY, timeout=0.2)
    assert runtime.after_tool_call("t", error="boom")["failure_count"] == 1
    found = runtime.before_tool_call("t")
    assert found["seen_recently"] is True and found["hint"]["kind"] == "repeated_tool_failure"
    for _ in range(1000):  # each would take 0.2 s, were it sent
        runtime.before_tool_call("t")
    release.set()
    assert runtime._in_flight is not None
    runtime._in_flight.join(30.0)
    assert len(gateway.requests) <= 3
    runtime.close()


@pytest.mark.parametrize("status", [404, 401, 500, 429])
def test_an_answer_that_is_no_help_leaves_our_own_memory(status: int, gateway: StubGateway) -> None:
    answering(gateway, {"detail": "no"}, status)
    runtime = connected(gateway)
    runtime.after_tool_call("t", status="failed", error="boom")
    assert runtime.before_tool_call("t")["hint"]["failure_count"] == 1
    assert runtime.get_memory() == []
    runtime.close()


def test_without_a_key_everything_works_in_the_process() -> None:
    runtime = AgentRuntime("s")
    assert runtime.endpoint is None
    runtime.remember("hypothesis", {"summary": "the header is missing"})
    [entry] = runtime.get_memory()
    assert entry["kind"] == "hypothesis" and entry["value"] == {"summary": "the header is missing"}
    runtime.after_tool_call("pytest", command="pytest", status="failed", error="1 failed")
    hint = runtime.next_hint()
    assert hint is not None and hint["kind"] == "repeated_tool_failure"
    assert runtime.next_hint() is None


def test_switched_off_it_does_nothing(gateway: StubGateway) -> None:
    runtime = connected(gateway, enabled=False)
    runtime.remember("a", 1)
    runtime.after_tool_call("t", error="x")
    assert runtime.before_tool_call("t") == {"seen_recently": False, "hint": None}
    assert runtime.get_memory() == [] and runtime.next_hint() is None
    assert not gateway.requests


class Hostile:
    def __repr__(self) -> str:
        raise RuntimeError("no")


def test_nothing_reaches_the_agent(gateway: StubGateway) -> None:
    answering(gateway, ["not", "what", "was", "expected"])
    for runtime in (connected(gateway), AgentRuntime("s")):
        loop: list[Any] = []
        loop.append(loop)
        runtime.remember("x", Hostile(), {"loop": loop})
        assert runtime.before_tool_call("t", args={1: Hostile(), "set": {1}})["seen_recently"] in (
            True,
            False,
        )
        runtime.next_hint()
        runtime.get_memory(limit="many")  # type: ignore[arg-type]
        runtime.close()


def test_what_failed_in_earlier_sessions_is_told_with_what_was_done_instead(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    for number in range(2):
        with pt.start(
            agent="a", user_goal="g", session_id=f"old{number}", transport="spool", spool_dir=spool
        ) as s:
            call = s.tool_call("book", {"day": "tuesday"})["payload"]["call_id"]
            s.tool_result(call, error="SlotTaken: tuesday")
            call = s.tool_call("book", {"day": "friday"})["payload"]["call_id"]
            s.tool_result(call, result="ok")
    runtime = AgentRuntime("new", spool_dir=spool)
    assert runtime._earlier.wait(30.0)
    hint = runtime.before_tool_call("book", args={"day": "tuesday"})["hint"]
    assert hint["kind"] == "known_failure" and hint["failure_count"] == 2
    assert "SlotTaken" in hint["message"] and "friday" in hint["message"]
    assert sorted(hint["evidence"]["sessions"]) == ["old0", "old1"]
    assert runtime.before_tool_call("book", args={"day": "tuesday"})["hint"] is None
    assert runtime.before_tool_call("book", args={"day": "friday"})["hint"] is None


def test_garbage_in_the_spool_is_passed_over(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    (spool / "bad.jsonl").write_bytes(
        b'{"type":"tool_call"\n[1]\n{"type":"tool_call","payload":5}\n\xff\xfe\n'
    )
    (spool / "dir.jsonl").mkdir()
    runtime = AgentRuntime("new", spool_dir=spool)
    assert runtime._earlier.wait(30.0)
    assert runtime.before_tool_call("t")["hint"] is None


async def test_the_async_twin_answers_alike() -> None:
    runtime = AsyncAgentRuntime("s")
    await runtime.remember("note", 1)
    await runtime.after_tool_call("t", error="boom")
    assert (await runtime.before_tool_call("t"))["seen_recently"] is True
    await runtime.heartbeat(phase="p")
    assert len(await runtime.get_memory()) == 1
    assert (await runtime.next_hint() or {})["kind"] == "repeated_tool_failure"
    await runtime.aclose()
