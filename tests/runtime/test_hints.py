"""What a running agent hears of its own calls."""

from __future__ import annotations

import pytest

from promptetheus.runtime_hints import MAX_CALLS, CallMemory, call_fingerprint


def test_the_same_call_has_the_same_fingerprint_however_it_was_told() -> None:
    told = call_fingerprint("bash", "pytest -q", {"cwd": "a"})
    assert told == call_fingerprint("bash", None, {"cwd": "a", "command": "pytest -q"})
    assert told != call_fingerprint("bash", "pytest", {"cwd": "a"})
    assert call_fingerprint("x", None, None) == call_fingerprint("x", "", {})


def test_the_fingerprint_is_the_published_one() -> None:
    import hashlib

    canonical = b'{"args":{"a":1},"command":"c","tool_name":"t"}'
    assert call_fingerprint("t", "c", {"a": 1}) == hashlib.sha256(canonical).hexdigest()


def test_a_call_that_failed_is_warned_of_until_it_succeeds() -> None:
    memory = CallMemory()
    assert memory.record("t", args={"a": 1}, status="planned")["hint"] is None
    memory.record("t", args={"a": 1}, status="failed", error="Boom\n\x1b[31m")
    warned = memory.record("t", args={"a": 1}, status="planned")
    assert warned["seen_recently"] is True and warned["failure_count"] == 1
    assert warned["hint"]["kind"] == "repeated_tool_failure" and "Boom" in warned["hint"]["message"]
    assert "\x1b" not in warned["hint"]["message"]
    assert memory.record("t", args={"a": 2}, status="planned")["hint"] is None
    memory.record("t", args={"a": 1}, status="succeeded")
    assert memory.record("t", args={"a": 1}, status="planned")["hint"] is None
    assert memory.next_hint() is None


def test_a_hint_is_given_once_and_again_when_there_is_more_to_it() -> None:
    memory = CallMemory()
    memory.record("t", status="failed")
    first = memory.next_hint()
    assert first is not None and first["failure_count"] == 1
    assert memory.next_hint() is None
    memory.record("t", status="failed")
    again = memory.next_hint()
    assert again is not None and again["failure_count"] == 2


def test_two_calls_in_turn_are_a_loop_told_once() -> None:
    memory = CallMemory()
    for _ in range(3):
        memory.record("edit", args={"to": 1}, status="succeeded")
        memory.record("undo", args={"to": 0}, status="succeeded")
    hint = memory.next_hint()
    assert hint is not None and hint["kind"] == "oscillation" and "edit and undo" in hint["message"]
    assert memory.next_hint() is None


@pytest.mark.parametrize("calls", ["aaaaaa", "abcabc", "abab", "aabbab"])
def test_other_patterns_are_no_loop(calls: str) -> None:
    memory = CallMemory()
    for name in calls:
        memory.record(name, status="succeeded")
    assert memory.next_hint() is None


def test_the_memory_is_bounded() -> None:
    memory = CallMemory()
    for number in range(MAX_CALLS * 3):
        memory.record("t", args={"n": number}, status="failed")
    assert len(memory.failing()) == MAX_CALLS
