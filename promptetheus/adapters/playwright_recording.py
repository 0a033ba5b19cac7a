"""A film of a run: Playwright's video, or pictures out of its trace where it cannot make videos.

Playwright needs an ffmpeg of its own for videos. Its trace has pictures without; of the trace itself nothing is
kept, since it has what was typed and sent.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

from promptetheus import context
from promptetheus.adapters.playwright_looking import Steps, picture, tried
from promptetheus.adapters.scope import Scope, hook
from promptetheus.calls import text_of

MAX_MARKS = 10_000
MAX_FRAMES = 2_000
"""Pictures of a film; of more, every second is left out until it is so many."""


class Recording:
    """When which event was, in a film that begins at `started_s` (monotonic seconds)."""

    def __init__(self, started_s: float | None = None) -> None:
        self.started_s = time.monotonic() if started_s is None else started_s
        self.marks: dict[str, int] = {}
        """Milliseconds from the start of the film by the number (seq) of an event."""

    def restart(self) -> None:
        """The film begins now."""
        self.started_s, self.marks = time.monotonic(), {}

    def mark(self, event: Any, at_s: float) -> None:
        """An event was at this moment."""
        seq = event.get("seq") if isinstance(event, dict) else None
        if seq is not None and len(self.marks) < MAX_MARKS:
            self.marks[str(seq)] = max(0, round((at_s - self.started_s) * 1000))

    def record(self, scope: Scope | None, path: str, metadata: dict[str, Any] | None = None) -> Any:
        """The `replay_artifact` event; None when there is nowhere to record it."""
        if scope is None or scope.session._end is not None:
            return None
        with context.Place((scope.session, scope.spans)):
            return scope.session.replay_artifact(path, event_time_map=self.marks, metadata=metadata)


class VideoUnderWay:
    """A video whose page is still open: recorded when its browser context is closed, which completes the file,
    or as it is when its session ends before."""

    def __init__(self, recording: Recording, scope: Scope, path: str) -> None:
        self._recording, self._scope, self._path = recording, scope, path
        scope.session._unfinished[self] = True

    @hook
    def context_closed(self, context: Any) -> None:
        """The file is whole."""
        self._record(None)

    @hook
    def cut_off(self) -> None:
        """The session ends."""
        self._record({"complete": False})

    def _record(self, metadata: dict[str, Any] | None) -> None:
        if self._scope.session._unfinished.pop(self, False):
            self._recording.record(self._scope, self._path, metadata)


def start_trace(page: Any) -> Steps[bool]:
    """Begin a trace with pictures; False when there is one already, of the user's."""
    try:
        yield page.context.tracing.start(screenshots=True, snapshots=False, sources=False)
    except Exception:
        return False
    return True


def stop_trace(page: Any, recording: Recording, scope: Scope | None) -> Steps[Any]:
    """End it and record its pictures: a zip of JPEG files with `frames.json`, which says when each was shown."""
    with tempfile.TemporaryDirectory(prefix="promptetheus-") as folder:
        trace, film = os.path.join(folder, "trace.zip"), os.path.join(folder, "frames.zip")

        def stop() -> Any:
            return page.context.tracing.stop(path=trace)

        yield from tried(stop)
        frames = write_film(pictures_of(trace), film) if os.path.exists(trace) else 0
        if not frames and (last := (yield from picture(page, "jpeg"))) is not None:
            # A short run on a busy machine: the browser painted nothing yet that the trace could have had.
            frames = write_film([(0, last)], film)
        if not frames:
            return None
        return recording.record(scope, film, {"format": "jpeg frames in a zip", "frames": frames})


def pictures_of(trace: str) -> Iterator[tuple[int, bytes]]:
    """The pictures of a trace, each with the milliseconds since the first."""
    with zipfile.ZipFile(trace) as source:
        known = set(source.namelist())
        shown = [found for found in _frames(source) if found[1] in known]
        while len(shown) > MAX_FRAMES:
            shown = shown[::2]
        for at_ms, name in shown:
            yield max(0, round(at_ms - shown[0][0])), source.read(name)


def write_film(pictures: Iterable[tuple[int, bytes]], film: str) -> int:
    """Write a zip of pictures and of `frames.json`, their names and times; the number of pictures."""
    listed = []
    with zipfile.ZipFile(film, "w") as target:
        for number, (at_ms, content) in enumerate(pictures):
            file = f"{number:05}.jpeg"
            target.writestr(file, content)
            listed.append({"file": file, "ms": at_ms})
        target.writestr("frames.json", json.dumps(listed))
    return len(listed)


def _frames(source: zipfile.ZipFile) -> list[tuple[float, str]]:
    """Time in milliseconds and name of each picture of a trace, in the order of their times."""
    found = []
    for name in source.namelist():
        if not name.endswith(".trace"):
            continue
        for line in source.read(name).splitlines():
            if b'"screencast-frame"' not in line:
                continue
            event = json.loads(line)
            at_ms, file = event.get("timestamp"), event.get("file") or f"resources/{event.get('sha1')}"
            if event.get("type") == "screencast-frame" and isinstance(at_ms, int | float):
                found.append((float(at_ms), text_of(file)))
    return sorted(found)
