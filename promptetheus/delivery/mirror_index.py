"""What a mirror holds: `.mirror.json` in its spool, replaced as a whole.

It names the gateway and the project, so that two projects never end up in one directory, and says of each session how
many bytes of its file are sound: a round that was cut off leaves more, and these go.
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

NAME = ".mirror.json"


class NotAMirror(Exception):
    """The directory holds something else; the text says what."""


@dataclass(slots=True)
class MirroredSession:
    """A session of the mirror."""

    size_bytes: int = 0
    """Of its file, up to the last line that was written whole."""
    events: int = 0
    last_seq: int = -1
    """The highest that was fetched."""
    missing: int = 0
    """Events that the list counts and the gateway does not give, or not as events."""
    listed_events: int = -1
    """How many events the gateway's list named when it was last fetched whole."""
    listed_change: str = ""
    """The time of the last change that the list named then."""


@dataclass(slots=True)
class MirrorIndex:
    """A mirror's record."""

    api_url: str
    project_id: str
    sessions: dict[str, MirroredSession] = field(default_factory=dict)
    """By session id."""
    artifact_bytes: int = 0
    """Of all artifacts that were fetched."""
    name: str = ""
    """The project's, when the gateway last said it."""

    @property
    def size_bytes(self) -> int:
        """Of everything that was fetched."""
        return self.artifact_bytes + sum(session.size_bytes for session in self.sessions.values())


def load(spool: Path, api_url: str, project_id: str) -> MirrorIndex:
    """The index of a mirror, or a new one for an empty directory. Raises NotAMirror and OSError."""
    index = read(spool)
    if index is None:
        if any(spool.glob("*.jsonl")):
            raise NotAMirror(f"{spool} holds sessions that were recorded there: name an empty directory")
        return MirrorIndex(api_url, project_id)
    if (index.api_url, index.project_id) != (api_url, project_id):
        raise NotAMirror(f"{spool} mirrors {index.project_id} of {index.api_url}: name another directory")
    return index


def read(spool: Path) -> MirrorIndex | None:
    """The index of a mirror; None where there is none. Raises NotAMirror for a damaged one, and OSError."""
    try:
        found = orjson.loads((spool / NAME).read_bytes())
        name = found.get("name", "")  # mirrors of earlier releases have none
        return MirrorIndex(
            str(found["api_url"]),
            str(found["project_id"]),
            {str(session_id): _session(entry) for session_id, entry in found["sessions"].items()},
            int(found["artifact_bytes"]),
            name if isinstance(name, str) else "",
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotAMirror(f"{spool / NAME} is damaged: delete {spool} to fetch everything again") from None


def save(spool: Path, index: MirrorIndex) -> None:
    """Replace the index. Raises OSError."""
    path = spool / NAME
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(orjson.dumps(asdict(index)))
        os.replace(draft, path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _session(entry: dict[str, Any]) -> MirroredSession:
    session = MirroredSession(**entry)
    numbers = (session.size_bytes, session.events, session.last_seq, session.listed_events)
    if not all(type(number) is int for number in numbers) or session.size_bytes < 0:
        raise ValueError("not a session of a mirror")
    return session
