"""tau2-bench results: {timestamp, info, tasks, simulations}, one conversation a simulation.

Times are local times without a zone: they are read as UTC, and `imported.timezone` says so. The tokens and
costs of the agent become `llm_call` events; those of the simulated user stay metadata of its messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from promptetheus.clock import format_timestamp
from promptetheus.encoding import encode_line
from promptetheus.importers.call_pairing import CallPairing
from promptetheus.importers.detect import Format
from promptetheus.importers.draft import MAX_GOAL_CHARACTERS, Draft, ImportedRun, Tally, agent_name
from promptetheus.importers.expected_calls import Call
from promptetheus.importers.json_stream import Progress, members
from promptetheus.importers.narrowing import (
    arguments,
    items,
    mapping,
    moment,
    name,
    number,
    structured,
    text,
    whole,
)
from promptetheus.importers.preview import cut, preview
from promptetheus.importers.tau2_verdict import verdict

_SPOKEN_ROLES = ("user", "assistant")
_KNOWN_KEYS = frozenset(
    {"role", "content", "tool_calls", "timestamp", "cost", "usage", "generation_time_seconds", "turn_idx", "id",
     "requestor", "error", "is_audio", "is_final_chunk", "contains_speech", "tool_messages"}
)  # fmt: skip
_MAX_REASONING = 20_000
_GOAL_PARTS = ("reason_for_call", "task_instructions", "known_info", "unknown_info")
_ORDINARY_ENDS = frozenset({"user_stop", "agent_stop", ""})


@dataclass
class _Frame:
    """What the simulations of a file share."""

    info: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id."""


def runs(file: BinaryIO, source: str, progress: Progress | None = None) -> Iterator[ImportedRun | str]:
    """The runs of a result file; a simulation that is none is given as the words that say why.

    The tasks are held in memory, the simulations are not. Where the tasks come after the simulations the file
    is read twice.
    """
    frame = _Frame()
    late = False
    for member in members(file, arrays=("tasks", "simulations"), values=("info",), progress=progress):
        if member.key == "simulations" and not (frame.info or frame.tasks):
            late = True
        elif member.key != "simulations":
            _keep(frame, member.key, member.value)
        elif not late:
            yield _run_or_words(member.position or 0, member.value, member.problem, frame, source)
    if late:
        file.seek(0)
        for member in members(file, arrays=("simulations",), progress=progress):
            yield _run_or_words(member.position or 0, member.value, member.problem, frame, source)


def _keep(frame: _Frame, key: str, value: object) -> None:
    if key == "info":
        frame.info = mapping(value)
    else:
        task = mapping(value)
        frame.tasks.setdefault(name(task.get("id")), task)


def _run_or_words(index: int, value: object, problem: str, frame: _Frame, source: str) -> ImportedRun | str:
    if problem:
        return f"simulation {index}: {problem}"
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return f"simulation {index}: no object with a list of messages"
    try:
        return _run(value, index, frame, source)
    except Exception as error:  # one simulation must not lose the rest, whatever is wrong with it
        return f"simulation {index}: {type(error).__name__}: {error}"


def _run(simulation: dict[str, Any], index: int, frame: _Frame, source: str) -> ImportedRun:
    digest = hashlib.sha256(encode_line(simulation)).hexdigest()
    agent_info, user_info = mapping(frame.info.get("agent_info")), mapping(frame.info.get("user_info"))
    environment = mapping(frame.info.get("environment_info"))
    task_id = name(simulation.get("task_id"))
    task = frame.tasks.get(task_id, {})
    domain = text(environment.get("domain_name"))
    model = text(agent_info.get("llm"))
    metadata: dict[str, Any] = {
        "source": "tau2-bench",
        "task_id": simulation.get("task_id") if task_id else None,
        "trial": simulation.get("trial") if name(simulation.get("trial")) else None,
        "domain": domain,
        "agent_implementation": text(agent_info.get("implementation")),
        "user_model": text(user_info.get("llm")),
        "seed": whole(simulation.get("seed")),
        "termination_reason": text(simulation.get("termination_reason")),
        "purpose": text(mapping(task.get("description")).get("purpose")),
        "agent_cost_usd": number(simulation.get("agent_cost")),
        "user_cost_usd": number(simulation.get("user_cost")),
        "benchmark_commit": text(frame.info.get("git_commit")),
    }
    times = [
        moment(simulation.get("start_time")),
        *(moment(mapping(m).get("timestamp")) for m in simulation["messages"]),
    ]
    known = [spoken for spoken in times if spoken is not None]
    identity = text(simulation.get("id"))
    run = ImportedRun(
        session_id=f"tau2-{identity if _is_plain(identity) else digest[:20]}",
        format=Format.TAU2_BENCH,
        source=source,
        sha256=digest,
        record=index,
        agent=agent_name("tau2-bench", domain, model or text(agent_info.get("implementation"))),
        user_goal=_goal(task, task_id or str(index)),
        project_id=f"tau2-bench {domain}" if domain else "tau2-bench",
        tags=["tau2-bench", domain] if domain else ["tau2-bench"],
        metadata={key: item for key, item in metadata.items() if item not in (None, "")},
        system_prompt=text(simulation.get("policy")) or text(environment.get("policy")),
        timed=bool(known),
        started=format_timestamp(min(known)) if known else None,
        timezone="none in the file, read as UTC" if known else None,
        events=lambda: iter(drafts),
    )
    if run.system_prompt:
        run.kept.add("policy")
    drafts = list(_events(simulation, model, digest, run.kept, run.skipped))
    return run


def _events(
    simulation: dict[str, Any], model: str, digest: str, kept: Tally, skipped: Tally
) -> Iterator[Draft]:
    pairing = CallPairing()
    made: dict[str, Call] = {}
    for position, message in enumerate(_flat(simulation["messages"])):
        key = str(position)
        if not isinstance(message, dict):
            skipped.add("message that is no object")
            continue
        spoken = moment(message.get("timestamp"))
        timestamp = format_timestamp(spoken) if spoken is not None else None
        metadata = _unknown(message, kept, skipped)
        role = message.get("role")
        if role in _SPOKEN_ROLES:
            for draft in _spoken(message, role == "assistant", model, pairing, key, metadata):
                draft.timestamp = timestamp
                if draft.type == "tool_call":
                    called = draft.payload
                    call = Call(called["tool_name"], called["arguments"], called["call_id"])
                    made[call.call_id] = call
                yield draft
        elif role == "tool":
            answer = _answer(message, pairing, key, timestamp, metadata)
            call_id = answer.payload["call_id"]
            if answer.payload["error"] is not None and call_id in made:
                made[call_id] = made[call_id]._replace(failed=True)
            yield answer
        else:
            kind = f"message of role {name(role) or '?'}"
            kept.add(kind)
            yield Draft(
                "state_change", {"name": kind, "before": None, "after": preview(message)}, key, timestamp
            )
    yield from verdict(simulation, list(made.values()), kept)
    reason = text(simulation.get("termination_reason"))
    error = None if reason in _ORDINARY_ENDS else f"stopped: {reason}"
    payload = {"status": "failed" if error else "completed", "error": error}
    end = moment(simulation.get("end_time"))
    yield Draft("session_end", payload, f"end:{digest}", format_timestamp(end) if end is not None else None)


def _flat(messages: list[Any]) -> Iterator[Any]:
    """The messages, with the answers to parallel calls, which may stand in one message, one by one."""
    for message in messages:
        parts = items(mapping(message).get("tool_messages"))
        if parts:
            yield from parts
        else:
            yield message


def _spoken(
    message: dict[str, Any],
    by_agent: bool,
    model: str,
    pairing: CallPairing,
    key: str,
    metadata: dict[str, Any],
) -> Iterator[Draft]:
    """The events of one message: the LLM call it came from, what was said, what was called."""
    if by_agent:
        llm_call = _llm_call(message, model, key)
        if llm_call is not None:
            yield llm_call
    else:
        metadata = {**metadata, **_simulated_user(message)}
    calls = items(message.get("tool_calls"))
    content = message.get("content")
    if content or not calls:
        kind = "agent_message" if by_agent else "user_message"
        yield Draft(
            kind, {"content": content if content is not None else ""}, f"{key}.said", metadata=metadata
        )
    for place, raw in enumerate(calls):
        call = mapping(raw)
        tool = text(call.get("name")) or "unknown"
        requestor = text(call.get("requestor"))
        payload = {
            "tool_name": tool,
            "arguments": arguments(call.get("arguments")),
            "call_id": pairing.opened(text(call.get("id")), tool),
        }
        by_user = {"requestor": requestor} if requestor not in ("", "assistant") else {}
        yield Draft("tool_call", payload, f"{key}.{place}", metadata={**metadata, **by_user})


def _answer(
    message: dict[str, Any], pairing: CallPairing, key: str, timestamp: str | None, metadata: dict[str, Any]
) -> Draft:
    content = message.get("content")
    failed = message.get("error") is True
    payload = {
        "call_id": pairing.answered(text(message.get("id")), text(message.get("name"))),
        "result": None if failed else structured(content),
        "error": (content if isinstance(content, str) and content else "the tool failed") if failed else None,
    }
    return Draft("tool_result", payload, key, timestamp, metadata)


def _llm_call(message: dict[str, Any], model: str, key: str) -> Draft | None:
    """The call to the model that made a message; None when the file says nothing of one."""
    usage = mapping(message.get("usage"))
    raw = mapping(message.get("raw_data"))
    if not usage and not raw:
        return None
    details = mapping(mapping(raw.get("usage")).get("prompt_tokens_details"))
    took_s = number(message.get("generation_time_seconds"))
    counts = {
        "input_tokens": whole(usage.get("prompt_tokens")),
        "output_tokens": whole(usage.get("completion_tokens")),
        "cached_tokens": whole(details.get("cached_tokens")),
        "latency_ms": whole(round(took_s * 1000)) if took_s is not None else None,
    }
    payload: dict[str, Any] = {"model": text(raw.get("model")) or model or "unknown"}
    payload.update((name_, count) for name_, count in counts.items() if count is not None)
    cost = number(message.get("cost"))
    if cost == 0 and counts["output_tokens"]:  # tokens were spent, so no price was known
        cost = None
    choice = mapping((items(raw.get("choices")) or [raw])[0])
    found = {
        "cost_usd": cost,
        "finish_reason": text(choice.get("finish_reason")),
        "response_id": text(raw.get("id")),
        "reasoning": preview(message.get("reasoning"), _MAX_REASONING),
    }
    metadata = {key_: item for key_, item in found.items() if item not in (None, "")}
    return Draft("llm_call", payload, f"{key}.llm", metadata=metadata)


def _simulated_user(message: dict[str, Any]) -> dict[str, Any]:
    """What the benchmark's own user model used: no cost of the agent, so no `llm_call`."""
    usage = mapping(message.get("usage"))
    found = {
        "cost_usd": number(message.get("cost")),
        "input_tokens": whole(usage.get("prompt_tokens")),
        "output_tokens": whole(usage.get("completion_tokens")),
    }
    known = {key: item for key, item in found.items() if item is not None}
    return {"simulated_user": known} if known else {}


def _unknown(message: dict[str, Any], kept: Tally, skipped: Tally) -> dict[str, Any]:
    """Fields of a message that we have no place for, as metadata.

    Of the raw reply of the provider the model, the id, the finish reason and the cached tokens are in the
    `llm_call`; the rest repeats the message and is left out.
    """
    other = {}
    for key, item in message.items():
        if item is None or item == [] or key in _KNOWN_KEYS:
            continue
        if key == "raw_data":
            skipped.add("raw reply of the provider, as far as it repeats the message")
        elif key != "reasoning" or message.get("role") != "assistant":
            kept.add(f"message field {key}")
            other[key] = preview(item)
    return {"other": other} if other else {}


def _goal(task: dict[str, Any], task_id: str) -> str:
    """What the simulated user wants: the same text for every run of the task."""
    instructions = mapping(task.get("user_scenario")).get("instructions")
    if isinstance(instructions, dict):
        parts = (text(instructions.get(part)).strip() for part in _GOAL_PARTS)
        instructions = "\n\n".join(part for part in parts if part)
    goal = text(instructions).strip() or text(task.get("ticket")).strip() or f"tau2-bench task {task_id}"
    return cut(goal, MAX_GOAL_CHARACTERS)


def _is_plain(identity: str) -> bool:
    return 0 < len(identity) <= 64 and identity.replace("-", "").isalnum() and identity.isascii()
