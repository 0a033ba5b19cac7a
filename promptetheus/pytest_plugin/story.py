"""What is printed under a failing test: what its sessions did, the fingerprint, and the command that opens them."""

from __future__ import annotations

from collections.abc import Sequence

from promptetheus.cause.explain import explain
from promptetheus.fingerprint import failure_fingerprint, marked_label
from promptetheus.pytest_plugin.recorded_events import read_events
from promptetheus.pytest_plugin.recording import Recording
from promptetheus.spool import session_file_name

MAX_TOLD = 3
"""Sessions of one test whose story is told; of further ones the id only."""

_LINES = 16


def failing_text(recording: Recording, option: str) -> str:
    """The story of a failing test's sessions. `option` names the spool as one would type it."""
    names = recording.recorded()
    told = []
    for name in names[:MAX_TOLD]:
        events = read_events(recording.spool / session_file_name(name))
        failure = failure_fingerprint(events)
        parts = [explain(events, lines=_LINES)]
        if failure.fingerprint:
            parts.append(f"fingerprint {failure.fingerprint}  {marked_label(failure.label)}")
        parts.append(f"open it: promptetheus tui {name} {option}")
        told.append("\n".join(parts))
    if len(names) > MAX_TOLD:
        told.append("and " + ", ".join(names[MAX_TOLD:]))
    return "\n\n".join(told)


def departure_text(recording: Recording, baseline: str, found: Sequence[str], option: str) -> str:
    """Why a test that passed fails: `baseline` is the file it was held against, as one would type it."""
    name = recording.recorded()[0]
    lines = [
        f"{recording.item.nodeid} passed, but departs from its baseline:",
        *(f"  {line}" for line in found),
        f"compare: promptetheus diff {baseline} {name} {option} --steps",
        f"open it: promptetheus tui {name} {option}",
    ]
    return "\n".join(lines)
