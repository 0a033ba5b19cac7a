"""Recordings with spans and pictures, and a Session view open on one: what the tests of that view share."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Self

import orjson
from PIL import Image
from rich.text import Text

from promptetheus.artifacts import store_artifact
from promptetheus.encoding import encode_line
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.inspector.inspector import Inspector
from promptetheus.tui.inspector.page import Line
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.timeline import Timeline
from promptetheus.tui.theme import Looks, looks_of
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, Recording


class SessionRecording(Recording):
    """A recording that can open spans and take screenshots."""

    _spans: tuple[str, ...] = ()

    def add(self, kind: str, payload: dict[str, Any], *, metadata: dict[str, Any] | None = None) -> Self:
        """Append one event, inside the spans that are open."""
        super().add(kind, payload, metadata=metadata)
        if self._spans:
            *before, last = self.path.read_bytes().splitlines(keepends=True)
            event = orjson.loads(last)
            event["span_id"] = self._spans[-1]
            event["parent_id"] = self._spans[-2] if len(self._spans) > 1 else None
            self.path.write_bytes(b"".join(before) + encode_line(event))
        return self

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Everything recorded inside belongs to the span."""
        self.open_span(name)
        yield
        self.add("state_change", {"name": "span_end", "span_name": name, "duration_ms": 1500})
        self._spans = self._spans[:-1]

    def open_span(self, name: str) -> Self:
        """A span that nobody ends."""
        self._spans = (*self._spans, f"span_{name}_{self._seq}")
        return self.add("state_change", {"name": "span_start", "span_name": name})

    def picture(
        self,
        colour: str = "#d05030",
        size: tuple[int, int] = (64, 40),
        metadata: dict[str, Any] | None = None,
    ) -> Self:
        """A screenshot of one colour."""
        data = png(colour, size)
        kept = store_artifact(self.path.parent, data, "png")
        return self.add(
            "screenshot",
            {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path, "size_bytes": 1_234},
            metadata=metadata,
        )

    def call(self, name: str, arguments: dict[str, Any] | None = None) -> Self:
        """A call that has not returned."""
        return self.add(
            "tool_call", {"tool_name": name, "arguments": arguments or {}, "call_id": f"open-{self._seq}"}
        )


def png(colour: str = "#d05030", size: tuple[int, int] = (64, 40)) -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def a_browser_run(spool: Path, session_id: str = "01M8113BROWSER") -> SessionRecording:
    """A failing run with a step of every sort."""
    run = SessionRecording(spool, session_id)
    run.user("Book **Tuesday** at 2pm").llm()
    run.tool("search_calendar", {"day": "Tuesday"}, '["Tuesday 2pm", "Tuesday 3pm"]')
    with run.span("choose-slot"):
        run.tool("choose_slot", {"slots": ["Tuesday 2pm"]}, "Wednesday 2pm")
        with run.span("clicking"):
            run.add(
                "browser_action", {"action": "click", "target": "#slot-wed", "url": "https://cal.example"}
            )
            run.picture()
            run.add("dom_snapshot", {"url": "https://cal.example", "visible_text": "Selected: Tuesday"})
    run.add(
        "dom_snapshot",
        {
            "url": "https://cal.example/done",
            "visible_text": "Selected: Wednesday",
            "selected_values": {"slot": "Wednesday 2pm"},
            "warnings": ["Timezone changed"],
        },
    )
    run.picture("#3050d0")
    run.tool("send_mail", {"to": "x"}, error="SMTPError: refused")
    run.agent("Booked Wednesday 2pm").check(False, "selected Wednesday, not Tuesday")
    run.end()
    return run


class OnSession:
    """An open Session view and the hands on its keyboard."""

    def __init__(self, shown: OnScreen, screen: SessionScreen) -> None:
        self.shown = shown
        self.screen = screen

    @property
    def timeline(self) -> Timeline:
        return self.screen.timeline

    @property
    def inspector(self) -> Inspector:
        return self.screen.inspector

    @property
    def text(self) -> str:
        return self.shown.text

    @property
    def lines(self) -> list[str]:
        return self.shown.lines

    @property
    def step(self) -> str:
        """The kind and name of the highlighted step: `tool search_calendar`."""
        step = self.timeline.current_step
        return "" if step is None else f"{step.kind} {step.name}".strip()

    @property
    def page(self) -> str:
        """The inspector's lines, on screen or below it."""
        return lines_text(self.inspector.lines)

    async def press(self, *keys: str) -> None:
        """Press keys, and wait until the inspector shows what they led to."""
        await self.shown.pilot.press(*keys)
        await self.settled()

    async def settled(self) -> None:
        """Wait until the inspector shows the highlighted step."""
        await self.shown.until(lambda: self.inspector.is_settled, what="inspector settled")
        await self.shown.pilot.pause()

    async def until(self, happened: Callable[[], object], *, what: str = "") -> None:
        await self.shown.until(happened, what=what)

    async def until_text(self, words: str) -> None:
        await self.shown.until_text(words)


def lines_text(lines: list[Line]) -> str:
    """Lines of a page as plain text."""
    return "\n".join(
        line.content.plain if isinstance(line.content, Text) else line.content.text for line in lines
    )


@asynccontextmanager
async def on_session(
    path: Path,
    size: tuple[int, int] = (120, 40),
    *,
    clock: Callable[[], float] = lambda: NOW,
    wait: bool = True,
) -> AsyncIterator[OnSession]:
    """Open the Session view of a file, its clock standing still at `NOW`."""
    app = PromptetheusApp(path.parent, clock=lambda: NOW)
    async with on_screen(app, size) as shown:
        screen = SessionScreen(path, clock=clock)
        await app.open_screen(screen)
        session = OnSession(shown, screen)
        if wait:
            await shown.until(lambda: screen.loaded, what="the session is read")
            await session.settled()
        yield session


def started(run: Recording, ago_s: float) -> float:
    """The clock `ago_s` seconds after a recording's last event."""
    return run._clock - 1.0 + ago_s


def some_looks() -> Looks:
    """The styles of the default theme."""
    return looks_of(PromptetheusApp(Path("nowhere"), theme="dark"))
