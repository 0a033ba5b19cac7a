"""What a gateway has acknowledged of a session: `<session>.delivery.json` beside its file.

Replaced as a whole, so that a reader or a crash never sees half of it. Only the holder of the session's claim
writes it (`shipment`). A record that is damaged counts as absent: the session is sent again, and the gateway
knows its events by their keys.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

SUFFIX = ".delivery.json"


@dataclass(slots=True)
class DeliveryRecord:
    """The state of one session."""

    api_url: str = ""
    """The gateway that it goes to."""
    acknowledged_bytes: int = 0
    """Everything before this offset was accepted, refused for good, or is no event."""
    acknowledged_events: int = 0
    refused_events: int = 0
    """Of these the lines are in `dead-letter/`."""
    skipped_lines: int = 0
    """Lines that are no events: torn or foreign."""
    lost_artifacts: int = 0
    """Artifacts that were named and could not be read or were refused."""
    refused_keys: list[str] = field(default_factory=list)
    """Events behind the offset that are in `dead-letter/` already, when an answer did not account for the rest
    of their batch."""
    last_error: str = ""
    failed_at: float | None = None
    """Seconds since 1970; None when the last try went well."""


def record_path(session_file: Path) -> Path:
    """Where the record of a session file is."""
    return session_file.with_name(session_file.name.removesuffix(".jsonl") + SUFFIX)


def load(session_file: Path) -> DeliveryRecord | None:
    """The record of a session; None when there is none that can be read."""
    try:
        found = orjson.loads(record_path(session_file).read_bytes())
    except (OSError, ValueError):
        return None
    return _parsed(found) if isinstance(found, dict) else None


def save(session_file: Path, record: DeliveryRecord) -> None:
    """Replace the record of a session. Raises OSError when it cannot."""
    path = record_path(session_file)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(orjson.dumps(asdict(record)))
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def pending_bytes(session_file: Path, record: DeliveryRecord | None) -> int:
    """Bytes of a session that are not acknowledged; 0 when it is gone. A file that is shorter than what was
    acknowledged is another one now, and all of it is pending."""
    try:
        size = session_file.stat().st_size
    except OSError:
        return 0
    done = record.acknowledged_bytes if record is not None else 0
    return size - done if size >= done else size


def meant_for_delivery(spool: Path) -> Iterator[Path]:
    """The session files of a spool that have a record, in order of name: those that were recorded with a
    gateway configured, or sent before."""
    try:
        names = sorted(entry.name for entry in os.scandir(spool) if entry.name.endswith(SUFFIX))
    except OSError:
        return
    for name in names:
        yield spool / f"{name.removesuffix(SUFFIX)}.jsonl"


def _parsed(found: dict[str, Any]) -> DeliveryRecord | None:
    record = DeliveryRecord()
    for item in fields(DeliveryRecord):
        value, default = found.get(item.name), getattr(record, item.name)
        if value is None:
            continue
        expected = (int, float) if item.name == "failed_at" else type(default)
        if not isinstance(value, expected) or isinstance(value, bool):
            return None
        setattr(record, item.name, value)
    is_sane = record.acknowledged_bytes >= 0 and all(isinstance(key, str) for key in record.refused_keys)
    return record if is_sane else None
