"""Text made to attack the terminal or the program, in every field of every event type, in every shape and page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.app import App

from promptetheus.tui.inspector.full_view import FullView
from tests.tui.session_recording import OnSession, SessionRecording, on_session

ATTACKS = (
    "\x1b[31mred\x1b[0m",
    "\x1b]0;owned\x07",
    "\x1b]52;c;b3duZWQ=\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[H",
    "\x1bPq#0;2;0;0;0\x1b\\",
    "\x1b_Gf=24;AAAA\x1b\\",
    "\x9b31m\x9d0;owned\x9c",
    "\x00\x07\x08\x0b\x0c\x7f",
    "one\rtwo\r\nthree",
    "[/nope] [bold]not bold[/bold] [red",
    "[@click=app.quit]CLICKME[/]",
    "\\[escaped] \\",
    "\u202egnp.exe\u202c \u2066isolated\u2069",
    "zero\u200bwidth\u200d\ufeff\u2060",
    "tag\U000e0041\U000e0042",
    "line\u2028para\u2029nel\x85",
    "日本語 👩‍👩‍👧‍👦 🇩🇪 e\u0301\u0301\u0301",
    "\ufffd \ud800 lone",
    "x" * 5_000,
    "%s %d {0} {name} $x ${y}",
    "<script>alert(1)</script> &#27;[31m &#x202e;",
    "```\x1b[31m\n# heading \x1b]0;x\x07\n[link](\x1b]0;x\x07) ![p](javascript:1)",
)
EVERYTHING = " ".join(ATTACKS)

NESTED: dict[str, Any] = {EVERYTHING[:300]: [EVERYTHING, {"k": EVERYTHING}], **{a[:60]: a for a in ATTACKS}}


def a_hostile_run(spool: Path) -> SessionRecording:
    """Every event type, with the attacks wherever there is room for text."""
    text = EVERYTHING
    run = SessionRecording(spool, "01EVIL", agent=text, goal=text, tags=(text, "x"))
    run.add("user_message", {"content": text, "metadata": NESTED}, metadata=NESTED)
    run.add("agent_message", {"content": text, text[:100]: text})
    run.open_span(text[:200])
    run.add("tool_call", {"tool_name": text, "arguments": NESTED, "call_id": text})
    run.add("tool_result", {"call_id": text, "result": NESTED, "error": None}, metadata=NESTED)
    run.add(
        "tool_call", {"tool_name": text[:90], "arguments": {"args": text, "kwargs": text}, "call_id": "b"}
    )
    run.add(
        "tool_result",
        {"call_id": "b", "result": None, "error": f"Traceback (most recent call last):\n{text}"},
    )
    run.add("tool_call", {"tool_name": "open", "arguments": NESTED, "call_id": "never"})
    run.add(
        "llm_call",
        {"model": text, "prompt_ref": text, "messages_ref": text, "input_tokens": 5},
        metadata=NESTED,
    )
    documents = [{"id": text, "source": text, "content": text, "score": 0.5}, text, NESTED]
    run.add("retrieval", {"query": text, "documents": documents})
    run.add("browser_action", {"action": text, "target": text, "url": text}, metadata={"x": text})
    run.add("screenshot", {"storage_path": f"artifacts/{text}", "source": text})
    for _ in range(2):
        run.add(
            "dom_snapshot",
            {
                "url": text,
                "visible_text": f"{text}{_}",
                "selected_values": {**NESTED, "n": _},
                "warnings": [text],
            },
        )
    run.add("replay_artifact", {"artifact_type": text, "storage_path": text, "started_at": text})
    run.add(
        "goal_check",
        {"passed": False, "mismatches": [text, NESTED, 5]},
        metadata={"unmatched": [NESTED, text]},
    )
    run.add("state_change", {"name": text, "before": NESTED, "after": text})
    run.add("score", {"name": text, "value": 1, "comment": text, "source": text})
    run.add("metric", {"name": text, "value": 1, "unit": text})
    trace = f'  File "{text}", line 3, in {text[:300]}\n{text}'
    run.add("error", {"error_type": text, "message": text, "traceback": trace})
    run.add(text[:80], {"unknown": NESTED})
    run.add("session_end", {"status": text, "error": text})
    return run


def what_a_terminal_would_obey(app: App[Any]) -> set[str]:
    """Characters on screen that are no text, and styles that make text act."""
    found: set[str] = set()
    for strip in app.screen._compositor.render_strips():
        for segment in strip:
            found |= {character for character in segment.text if not character.isprintable()}
            if segment.style is not None and (segment.style.link or "@click" in str(segment.style.meta)):
                found.add(f"link: {segment.style.link} {segment.style.meta}")
    return found


async def walk(session: OnSession) -> None:
    """Go through every row and look at every screen on the way."""
    app = session.shown.app
    for row in range(session.timeline.row_count()):
        session.timeline.select(row)
        await session.shown.pilot.pause()
        await session.settled()
        assert what_a_terminal_would_obey(app) == set()
        assert "could not be drawn" not in session.page


async def test_nothing_hostile_reaches_the_screen_in_any_shape_or_page(spool: Path) -> None:
    async with on_session(a_hostile_run(spool).path) as session:
        await walk(session)
        await session.press("v", "g")
        assert what_a_terminal_would_obey(session.shown.app) == set()
        await session.press("v")
        assert session.timeline.shape.value == "waterfall"
        await walk(session)
        await session.press("v")
        assert session.timeline.shape.value == "raw"
        await walk(session)
        assert "\\u202egnp.exe" in session.page or "␛[31mred" in session.page


async def test_nothing_hostile_reaches_a_narrow_screen_without_colours(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with on_session(a_hostile_run(spool).path, (40, 16)) as session:
        await walk(session)


async def test_nothing_hostile_reaches_the_screen_in_full_view_filter_and_clipboard(spool: Path) -> None:
    async with on_session(a_hostile_run(spool).path) as session:
        app = session.shown.app
        for jump in ("t", "m", "c", "e"):
            await session.press("g", jump, "Y", "o")
            assert isinstance(app.screen, FullView)
            await session.shown.press("j", "j", "enter", "G")
            assert what_a_terminal_would_obey(app) == set()
            await session.shown.press("escape")
            assert all(character.isprintable() or character in "\n\t" for character in app.clipboard)
        await session.press("slash")
        await session.shown.type("owned")
        await session.until(lambda: session.timeline.matches is not None)
        assert what_a_terminal_would_obey(app) == set()


async def test_clicking_on_hostile_markup_does_nothing_but_select(spool: Path) -> None:
    run = SessionRecording(spool, "01CLICK").agent("[@click=app.quit]CLICKME[/]" * 20).end()
    async with on_session(run.path) as session:
        await session.press("m")
        for y, line in enumerate(session.lines):
            if "CLICKME" in line:
                await session.shown.pilot.click(offset=(line.index("CLICKME") + 2, y))
        assert session.shown.app.is_running
        assert session.shown.app.return_code is None
