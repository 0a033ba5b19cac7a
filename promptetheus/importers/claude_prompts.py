"""What a person said in a Claude Code session, told from what the harness put in their mouth."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from promptetheus.importers.narrowing import items, mapping, text

FLAGS = {
    "isMeta": "injected",
    "isCompactSummary": "compact_summary",
    "isVisibleInTranscriptOnly": "transcript_only",
}
"""Fields of a line that say it is not a person's, and the mark we give its message."""

INTERRUPTED = "[Request interrupted by user"

_INJECTED = (
    "<command-", "<local-command-", "<system-reminder>", "<bash-", "<task-notification>", "<ide_", "Caveat: ",
    INTERRUPTED,
)  # fmt: skip
_COMMAND = re.compile(r"<command-name>(?P<name>[^<]{1,200})</command-name>")
_COMMAND_ARGUMENTS = re.compile(r"<command-args>(?P<arguments>[^<]{0,2000})</command-args>")


def texts(message: dict[str, Any]) -> list[str]:
    """All texts of a message, results of calls not among them."""
    content = message.get("content")
    if isinstance(content, str):
        return [content]
    found = [
        block if isinstance(block, str) else text(mapping(block).get("text")) for block in items(content)
    ]
    return [said for said in found if said]


def prompt_of(record: dict[str, Any]) -> str:
    """What a person asked for in a line, "" when nobody did."""
    if any(record.get(flag) is True for flag in FLAGS):
        return ""
    said = texts(mapping(record.get("message")))
    return next((part.strip() for part in said if part.strip() and not is_injected(part)), "")


def command_of(record: dict[str, Any]) -> str:
    """The slash command of a line with its arguments, e.g. `/review 12`; "" when there is none."""
    for said in texts(mapping(record.get("message"))):
        command = _COMMAND.search(said[:10_000])
        if command:
            told = _COMMAND_ARGUMENTS.search(said[:10_000])
            return f"{command['name'].strip()} {told['arguments'].strip() if told else ''}".strip()
    return ""


def is_injected(said: str) -> bool:
    """Whether a text is the harness's: a command's wrapper, a reminder, the output of a local command."""
    return said.lstrip().startswith(_INJECTED)


def text_digest(said: str) -> str:
    """The name of a prompt, so that prompts need not be held."""
    return hashlib.sha256(said.strip().encode("utf-8", "replace")).hexdigest()[:32]
