"""Who&When: failed runs of agent teams in which people marked the first decisive mistake.

What people marked is the answer to the question that such runs are for; it is left out and counted, so that nothing
that reads the session can know it. The verdict (the final answer was wrong) is a goal check. The files have no times.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from promptetheus.encoding import encode_line
from promptetheus.importers.detect import Format
from promptetheus.importers.draft import MAX_GOAL_CHARACTERS, Draft, ImportedRun, Tally
from promptetheus.importers.json_stream import Progress, members
from promptetheus.importers.narrowing import items, mapping, name, text
from promptetheus.importers.page_reports import page_report
from promptetheus.importers.preview import cut, preview

LABELS = ("mistake_agent", "mistake_step", "mistake_reason")
"""What people marked; never imported."""

_FIELDS = ("question", "question_ID", "level", "ground_truth", "is_correct", "is_corrected", "system_prompt")
_KNOWN = frozenset({"content", "name", "role"})
_TERMINAL = re.compile(r"computer[_ ]?terminal", re.IGNORECASE)
_CODE = re.compile(r"```[\w+-]*\n(.*?)(?:```|\Z)", re.DOTALL)
_EXECUTED = re.compile(r"exitcode: (-?\d+) \(execution \w+\)\s*(?:Code output: ?)?")


def runs(file: BinaryIO, source: str, progress: Progress | None = None) -> Iterator[ImportedRun | str]:
    """The run of a file, or the runs of a list; a record that is none is given as the words that say why."""
    record: dict[str, Any] = {}
    for member in members(file, values=("history", *_FIELDS, *LABELS), progress=progress):
        where = "record" if member.position is None else f"record {member.position}"
        if member.problem:
            yield f"{where}: {member.problem}"
        elif member.key:  # the document is one run: its fields come one by one
            record[member.key] = member.value
        else:
            yield _run_or_reason(member.value, source, member.position, where)
    if record:
        yield _run_or_reason(record, source, None, "record")


def _run_or_reason(record: object, source: str, index: int | None, where: str) -> ImportedRun | str:
    if not isinstance(record, dict) or not isinstance(record.get("history"), list):
        return f"{where}: no object with a list of messages (history)"
    try:
        return _run(record, source, index)
    except Exception as error:  # one record must not lose the rest, whatever is wrong with it
        return f"{where}: {type(error).__name__}: {error}"


def _run(record: dict[str, Any], source: str, index: int | None) -> ImportedRun:
    told = {key: item for key, item in record.items() if key not in LABELS}
    digest = hashlib.sha256(encode_line(told)).hexdigest()
    history = items(record["history"])
    magentic = any(_speaker(message).startswith("Orchestrator") for message in history)
    question = text(record.get("question"))
    metadata = {
        "source": "Who&When",
        "task_id": name(record.get("question_ID")),
        "level": name(record.get("level")),
        "team": sorted({_speaker(message).partition(" (")[0] for message in history} - {"", "human"})[:50],
    }
    skipped = Tally()
    for label in LABELS:
        if label in record:
            skipped.add(f"label {label}")
    prompts = mapping(record.get("system_prompt"))
    run = ImportedRun(
        session_id=f"who-{digest[:12]}",
        format=Format.WHO_AND_WHEN,
        source=source,
        sha256=digest,
        record=index,
        agent="Magentic-One" if magentic else "CaptainAgent",
        user_goal=cut(question or "Who&When task", MAX_GOAL_CHARACTERS),
        project_id="Who&When",
        tags=["Who&When"],
        metadata={key: item for key, item in metadata.items() if item},
        system_prompt="\n\n".join(f"# {who}\n{text(prompt)}" for who, prompt in prompts.items()),
        events=lambda: iter(drafts),
        skipped=skipped,
    )
    drafts = [*_events(history, run.kept, skipped), *_verdict(record, digest)]
    return run


def _events(history: list[Any], kept: Tally, skipped: Tally) -> Iterator[Draft]:
    """The messages; code that a terminal ran is a call of that terminal, made by the message it stands in."""
    called = ""
    for position, message in enumerate(history):
        if not isinstance(message, dict):
            skipped.add("message that is no object")
            continue
        key, speaker, content = str(position), _speaker(message), text(message.get("content"))
        about = _about(message, position, speaker, kept)
        if called:
            yield Draft("tool_result", _answer(content, called), key, metadata=about)
            called = ""
            continue
        # A terminal that was not given any code says so: nobody called it, and it is no agent.
        asks = position == 0 or speaker == "human" or _TERMINAL.match(speaker) is not None
        browsed = [] if asks else list(page_report(content, key, about))
        yield from browsed
        if not browsed:
            yield Draft(
                "user_message" if asks else "agent_message", {"content": content}, key, metadata=about
            )
        following = history[position + 1] if position + 1 < len(history) else None
        terminal, code = _speaker(following), _code(content)
        if _TERMINAL.match(terminal) and (code or _EXECUTED.match(text(mapping(following).get("content")))):
            called = f"call-{position}"
            payload = {
                "tool_name": terminal,
                "arguments": {"code": code} if code else {},
                "call_id": called,
            }
            yield Draft("tool_call", payload, f"{key}.call", metadata=about)


def _about(message: dict[str, Any], position: int, speaker: str, kept: Tally) -> dict[str, Any]:
    """Who said it, the how-manyth message it is, and fields that we have no place for."""
    about: dict[str, Any] = {"message": position}
    if speaker:
        about["speaker"] = speaker
    other = {key: preview(item) for key, item in message.items() if key not in _KNOWN and item is not None}
    for field in other:
        kept.add(f"message field {field}")
    if other:
        about["other"] = other
    return about


def _code(content: str) -> str:
    """The code blocks of a message, one after the other."""
    return "\n\n".join(block.strip("\n") for block in _CODE.findall(content))


def _answer(content: str, call_id: str) -> dict[str, Any]:
    """What the terminal printed: an error where the exit code is not 0."""
    executed = _EXECUTED.match(content)
    if executed is None:
        return {"call_id": call_id, "result": content, "error": None}
    output = content[executed.end() :].strip()
    if executed[1] == "0":
        return {"call_id": call_id, "result": output, "error": None}
    return {"call_id": call_id, "result": None, "error": output or f"exit code {executed[1]}"}


def _verdict(record: dict[str, Any], digest: str) -> Iterator[Draft]:
    """Right or wrong; the file calls it `is_correct` or `is_corrected`."""
    for field in ("is_correct", "is_corrected"):
        if isinstance(passed := record.get(field), bool):
            expected = name(record.get("ground_truth"))
            wrong = "the final answer is not the expected one" + (f": {expected}" if expected else "")
            payload = {"passed": passed, "mismatches": [] if passed else [cut(wrong, 300)]}
            yield Draft("goal_check", payload, "verdict")
            break
    yield Draft("session_end", {"status": "completed", "error": None}, f"end:{digest}")


def _speaker(message: object) -> str:
    """Who said it: `name` in one half of the data, `role` in the other."""
    found = mapping(message)
    return text(found.get("name")) or text(found.get("role"))
