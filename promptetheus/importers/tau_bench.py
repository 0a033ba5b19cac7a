"""tau-bench results: a list of {task_id, trial, reward, info, traj}, one customer conversation each.

The file has neither times nor models nor tokens, so neither has the session: every event carries the time of
the import and `imported.timed` is false.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, BinaryIO

from promptetheus.encoding import encode_line
from promptetheus.importers.call_pairing import CallPairing
from promptetheus.importers.detect import Format
from promptetheus.importers.draft import MAX_GOAL_CHARACTERS, Draft, ImportedRun, Tally, agent_name
from promptetheus.importers.expected_calls import Call, as_metadata, differences
from promptetheus.importers.json_stream import Progress, members
from promptetheus.importers.narrowing import arguments, items, mapping, name, number, structured, text
from promptetheus.importers.preview import cut, preview

PASSING_REWARD = 1 - 1e-6
"""The benchmark's own threshold."""

_DOMAIN = re.compile(r"\b(airline|retail|telecom|telehealth)\b", re.IGNORECASE)
_MODEL_IN_FILE_NAME = re.compile(
    r"(?:tool-calling-|act-|react-)?(?P<model>.+?)[-_](?:new-)?(?:airline|retail)\b"
)
_KNOWN_KEYS = frozenset({"role", "content", "tool_calls", "tool_call_id", "name"})


def runs(file: BinaryIO, source: str, progress: Progress | None = None) -> Iterator[ImportedRun | str]:
    """The runs of a result file; a record that is none is given as the words that say why."""
    for member in members(file, progress=progress):
        if member.problem:
            yield f"record {member.position}: {member.problem}"
        elif isinstance(member.value, dict) and isinstance(member.value.get("traj"), list):
            try:
                yield _run(member.value, source, member.position or 0)
            except Exception as error:  # one record must not lose the rest, whatever is wrong with it
                yield f"record {member.position}: {type(error).__name__}: {error}"
        else:
            yield f"record {member.position}: no object with a list of messages (traj)"


def _run(record: dict[str, Any], source: str, index: int) -> ImportedRun:
    digest = hashlib.sha256(encode_line(record)).hexdigest()
    info = mapping(record.get("info"))
    task = mapping(info.get("task"))
    task_id, trial = name(record.get("task_id")), name(record.get("trial"))
    system_prompt = _system_prompt(record)
    domain = _domain(system_prompt, source)
    model = _MODEL_IN_FILE_NAME.match(PurePath(source).stem)
    metadata: dict[str, Any] = {
        "source": "tau-bench",
        "task_id": record.get("task_id") if task_id else None,
        "trial": record.get("trial") if trial else None,
        "domain": domain,
        "reward": number(record.get("reward")),
        "user_cost_usd": number(info.get("user_cost")),
        "agent_from": "file name" if model else None,
    }
    readable = "-".join(part for part in (_plain(task_id), _plain(trial)) if part)
    run = ImportedRun(
        session_id=f"tau-{readable}-{digest[:12]}" if readable else f"tau-{digest[:12]}",
        format=Format.TAU_BENCH,
        source=source,
        sha256=digest,
        record=index,
        agent=agent_name("tau-bench", domain, model["model"] if model else ""),
        user_goal=cut(
            text(task.get("instruction")) or f"tau-bench task {task_id or index}", MAX_GOAL_CHARACTERS
        ),
        project_id=f"tau-bench {domain}" if domain else "tau-bench",
        tags=["tau-bench", domain] if domain else ["tau-bench"],
        metadata={key: item for key, item in metadata.items() if item not in (None, "")},
        system_prompt=system_prompt,
        events=lambda: iter(drafts),
    )
    drafts = list(_events(record, digest, run.kept, run.skipped))
    return run


def _events(record: dict[str, Any], digest: str, kept: Tally, skipped: Tally) -> Iterator[Draft]:
    pairing = CallPairing()
    made: dict[str, Call] = {}
    for position, message in enumerate(record["traj"]):
        key = str(position)
        if not isinstance(message, dict):
            skipped.add("message that is no object")
            continue
        metadata = _unknown(message, kept)
        match message.get("role"):
            case "system":
                kept.add("system prompt")
            case "user":
                yield Draft("user_message", {"content": message.get("content")}, key, metadata=metadata)
            case "assistant":
                yield from _assistant(message, key, metadata, pairing, made)
            case "tool":
                yield _answer(message, key, metadata, pairing, made)
            case role:
                kind = f"message of role {name(role) or '?'}"
                kept.add(kind)
                payload = {"name": kind, "before": None, "after": preview(message)}
                yield Draft("state_change", payload, key)
    yield from _verdict(record, list(made.values()), digest)


def _assistant(
    message: dict[str, Any], key: str, metadata: dict[str, Any], pairing: CallPairing, made: dict[str, Call]
) -> Iterator[Draft]:
    """What the agent said and what it called."""
    calls = items(message.get("tool_calls"))
    content = message.get("content")
    if content or not calls:
        yield Draft("agent_message", {"content": content or ""}, key, metadata=metadata)
    for place, raw in enumerate(calls):
        function = mapping(mapping(raw).get("function"))
        tool = text(function.get("name")) or "unknown"
        call_id = pairing.opened(text(mapping(raw).get("id")), tool)
        made[call_id] = Call(tool, arguments(function.get("arguments")), call_id)
        payload = {"tool_name": tool, "arguments": made[call_id].arguments, "call_id": call_id}
        yield Draft("tool_call", payload, f"{key}.{place}", metadata=metadata)


def _answer(
    message: dict[str, Any], key: str, metadata: dict[str, Any], pairing: CallPairing, made: dict[str, Call]
) -> Draft:
    """A tool's answer. The benchmark's tools say what went wrong in a text that begins with "Error"."""
    content = message.get("content")
    call_id = pairing.answered(text(message.get("tool_call_id")), text(message.get("name")))
    failed = isinstance(content, str) and content.startswith("Error")
    if failed and call_id in made:
        made[call_id] = made[call_id]._replace(failed=True)
    result = None if failed else structured(content)
    payload = {"call_id": call_id, "result": result, "error": content if failed else None}
    return Draft("tool_result", payload, key, metadata=metadata)


def _verdict(record: dict[str, Any], made: list[Call], digest: str) -> Iterator[Draft]:
    info = mapping(record.get("info"))
    broken = text(info.get("error"))
    if broken:
        payload: dict[str, Any] = {"handled": False, "message": broken}
        if info.get("traceback"):
            payload["traceback"] = text(info.get("traceback"))
        yield Draft("error", payload, "error")
    reward = number(record.get("reward"))
    if reward is not None:
        yield _goal_check(record, reward, made)
        yield Draft("score", {"name": "reward", "value": reward, "source": "tau-bench"}, "reward")
    status = "failed" if broken else "completed"
    yield Draft("session_end", {"status": status, "error": broken or None}, f"end:{digest}")


def _goal_check(record: dict[str, Any], reward: float, made: list[Call]) -> Draft:
    reward_info = mapping(mapping(record.get("info")).get("reward_info"))
    detail = mapping(reward_info.get("info"))
    task = mapping(mapping(record.get("info")).get("task"))
    planned = [
        Call(text(action.get("name")), arguments(action.get("kwargs")))
        for action in map(mapping, items(reward_info.get("actions")) or items(task.get("actions")))
        if text(action.get("name"))
    ]
    passed = reward >= PASSING_REWARD
    metadata: dict[str, Any] = {
        "reward": reward,
        "expected_actions": [preview({"name": c.name, "arguments": c.arguments}) for c in planned[:100]],
    }
    mismatches: list[str] = []
    if not passed:
        if detail.get("r_actions") in (0, False):
            mismatches.append("final database state differs from the expected one")
        for output, said in mapping(detail.get("outputs")).items():
            if said is False:
                mismatches.append(f"the user was never told {cut(output, 200)}")
        mismatches = mismatches or [f"the reward is {reward:g}, and the file does not say why"]
        found = differences(planned, made)
        mismatches.extend(difference.words for difference in found)
        metadata["unmatched"] = as_metadata(found)
    return Draft(
        "goal_check", {"passed": passed, "mismatches": mismatches}, "reward check", metadata=metadata
    )


def _unknown(message: dict[str, Any], kept: Tally) -> dict[str, Any]:
    """Fields of a message that we have no place for, as metadata."""
    other = {
        key: preview(item) for key, item in message.items() if key not in _KNOWN_KEYS and item is not None
    }
    for key in other:
        kept.add(f"message field {key}")
    return {"other": other} if other else {}


def _system_prompt(record: dict[str, Any]) -> str:
    for message in record["traj"][:5]:
        if isinstance(message, dict) and message.get("role") == "system":
            return text(message.get("content"))
    return ""


def _domain(system_prompt: str, source: str) -> str:
    found = _DOMAIN.search(system_prompt[:200]) or _DOMAIN.search(source.replace("_", " "))
    return found.group(1).lower() if found else ""


def _plain(part: str) -> str:
    return part if part.isalnum() and part.isascii() and len(part) <= 12 else ""
