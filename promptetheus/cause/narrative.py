"""What happened in a session, in words: deterministic, from its events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from promptetheus.display import plain_value
from promptetheus.fingerprint import in_order, is_failed_check, is_failed_status

_LIMIT = 240


def headline(events: Iterable[Mapping[str, Any]], *, ordered: bool = False) -> str:
    """The outcome in one sentence, e.g. `Failed its goal: selected Wednesday, not Tuesday.`

    The first failed check names the failure; without one the session's own error, then its last unhandled
    error, then its last failed call.

    Args:
        ordered: Whether the events come in their order, as a session's log gives them: they are then taken one at a
            time, and never held all at once.
    """
    tools: dict[str, str] = {}
    check: Mapping[str, Any] | None = None
    end: Mapping[str, Any] | None = None
    error = failed_call = ""
    passed = False
    for event in events if ordered else in_order(events):
        payload = event.get("payload")
        if not isinstance(payload, Mapping):
            continue
        match event.get("type"):
            case "goal_check" if is_failed_check(payload):
                check = check or payload
            case "goal_check":
                passed = passed or bool(payload.get("passed"))
            case "error" if payload.get("handled") is not True or not error:
                error = plain_value(payload.get("message") or payload.get("error") or "error", _LIMIT)
            case "tool_call":
                tools[str(payload.get("call_id"))] = plain_value(payload.get("tool_name"), 60)
            case "tool_result" if payload.get("error"):
                tool = tools.get(str(payload.get("call_id")), "a tool")
                failed_call = f"{tool}: {plain_value(payload['error'], _LIMIT)}"
            case "session_end":
                end = payload
    return _sentence(check, end, error, failed_call, passed)


def did_fail(events: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a session failed a check or ended badly. One without an end may still be running: it did not."""
    for event in events:
        payload = event.get("payload")
        if not isinstance(payload, Mapping):
            continue
        kind = event.get("type")
        if kind == "goal_check" and is_failed_check(payload):
            return True
        if kind == "session_end" and (payload.get("error") or is_failed_status(payload.get("status"))):
            return True
    return False


def _sentence(
    check: Mapping[str, Any] | None, end: Mapping[str, Any] | None, error: str, failed_call: str, passed: bool
) -> str:
    if check is not None:
        mismatches = check.get("mismatches")
        why = (
            "; ".join(plain_value(m, _LIMIT) for m in mismatches[:3]) if isinstance(mismatches, list) else ""
        )
        return _ended(f"Failed its goal: {why}" if why else "Failed its goal")
    if end is None:
        return _ended(f"No end recorded. Last error: {error}" if error else "No end recorded")
    status = end.get("status")
    if end.get("error") or is_failed_status(status):
        why = plain_value(end["error"], _LIMIT) if end.get("error") else error or failed_call
        return _ended(
            f"Ended as {plain_value(status, 40)}: {why}" if why else f"Ended as {plain_value(status, 40)}"
        )
    outcome = "Met its goal" if passed else "Completed; nothing checked its goal"
    trouble = (
        f", after an error: {error}"
        if error
        else f", after a failed call: {failed_call}"
        if failed_call
        else ""
    )
    return _ended(outcome + trouble)


def _ended(text: str) -> str:
    return text if text.endswith((".", "…", "!", "?")) else text + "."
