"""What an attacker wrote into a spool, seen through a real terminal's wire: nothing of it arrives raw."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from promptetheus.encoding import encode_line
from promptetheus.spool import session_file_name
from tests.tui.recorded import NOW, Recording

DEADLINE_S = 30.0

ATTACKS = {
    "osc-52-clipboard": "\x1b]52;c;UFdORUQ=\x07",
    "osc-0-title": "\x1b]0;PWNED\x07",
    "osc-8-link": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "csi-clear": "\x1b[2J\x1b[1337;7H",
    "csi-insert-line": "\x1b[1337L",
    "dcs": "\x1bP+q544e\x1b\\",
    "apc": "\x1b_Gpwned\x1b\\",
    "pm": "\x1b^pwned\x1b\\",
    "reset": "\x1bc",
    "c1-csi": "\x9b31337m",
    "c1-osc": "\x9d0;PWNED\x9c",
    "c1-dcs": "\x90pwned\x9c",
    "next-line": "\x85",
    "carriage-return": "safe\rPWNED",
    "backspaces": "abc\b\b\bPWNED",
    "bell": "ding\x07dong",
    "tabs": "\x0bPWNED\x0c",
    "null": "nul\x00l",
    "delete": "del\x7fete",
    "shift-out": "\x0ePWNED\x0f",
    "bidi-override": "\u202eDENWP\u202c",
    "bidi-isolate": "\u2066PWNED\u2069",
    "zero-width": "P\u200bW\u200cN\u200dE\u2060D\ufeff",
    "tags": "\U000e0041\U000e0042",
    "line-separator": "one\u2028two\u2029three",
    "lone-surrogate": "\ud800PWNED\udfff",
    "soft-hyphen": "soft\u00adhyphen",
    "hangul-filler": "\u3164\uffa0",
}
"""Every kind of text that a terminal obeys, or that hides what a person would want to see."""

MARKUP = "[@click=app.quit]CLICK ME[/] [/nope] [b"
WIDE = "漢字🙂👨‍👩‍👧e\u0301" * 20

NEVER = [attack.encode("utf-8", "surrogatepass") for name, attack in ATTACKS.items()] + [
    b"\x00",
    b"\x7f",
    b"\x0b",
    b"\x0c",
    b"\x0e",
    b"\x0f",
    b"\x1b]",
    b"\x1bP",
    b"\x1b_",
    b"\x1b^",
    b"\xc2\x85",
    b"\xc2\x90",
    b"\xc2\x9b",
    b"\xc2\x9c",
    b"\xc2\x9d",
    b"\xc2\xad",
    b"\xe2\x80\x8b",
    b"\xe2\x80\x8c",
    b"\xe2\x80\x8d",
    b"\xe2\x80\xa8",
    b"\xe2\x80\xa9",
    b"\xe2\x80\xae",
    b"\xe2\x81\xa6",
    b"\xe3\x85\xa4",
    b"\xef\xbb\xbf",
    b"\xf3\xa0\x81\x81",
    b"\xed\xa0\x80",
]
"""Bytes that must not reach the terminal; Textual itself sends none of them."""


def everything(name: str) -> str:
    """An attack with ordinary words around it."""
    return f"{name} {ATTACKS[name]} {MARKUP} {WIDE}"


def a_hostile_session(spool: Path, number: int, name: str) -> None:
    """A session with an attack in every field that is ever shown."""
    bad = everything(name)
    recording = Recording(
        spool, f"H{number:02}-{name}", agent=bad, goal=bad, ago=100 + number, tags=(bad, "tag"), pid=2**22 + 1
    )
    recording.user(bad).agent(
        f"# {bad}\n\n```python\n{bad}\n```\n\n| {bad} | b |\n|---|---|\n| {bad} | {bad} |"
    )
    recording.tool(bad, {bad: bad, "nested": [{bad: [bad]}]}, {bad: bad}).tool(bad, {}, error=bad)
    recording.add(
        "llm_call",
        {"model": bad, "provider": bad, "messages": [{"role": bad, "content": bad}], "output": bad},
    )
    recording.add("retrieval", {"query": bad, "documents": [{"content": bad, "score": 0.5, "id": bad}]})
    recording.add("browser_action", {"action": bad, "selector": bad, "value": bad})
    recording.add("dom_snapshot", {"html": f"<p>{bad}</p>", "url": bad})
    recording.add("screenshot", {"storage_path": f"artifacts/{bad}.png", "artifact_id": bad})
    recording.add("replay_artifact", {"artifact_type": bad, "source": bad})
    recording.add("state_change", {"name": bad, "before": bad, "after": {bad: bad}})
    recording.add("state_change", {"name": "span_start", "span_name": bad})
    recording.add("score", {"name": bad, "value": 0.5, "comment": bad})
    recording.add("metric", {"name": bad, "value": 1, "unit": bad})
    recording.add(
        "error",
        {"error_type": bad, "message": bad, "traceback": f"Traceback (most recent call last):\n{bad}"},
    )
    recording.add(bad, {bad: bad}).check(False, bad, bad).end(bad, bad)


@pytest.fixture
def hostile(spool: Path) -> Path:
    """A session for each attack, one with a hostile id, one with a megabyte in a line, and hostile file names."""
    for number, name in enumerate(ATTACKS):
        a_hostile_session(spool, number, name)
    event: dict[str, Any] = {"type": "user_message", "session_id": "\x1b]0;PWNED\x07\u202eid", "seq": 0}
    event |= {
        "timestamp": "2026-11-22T07:04:12Z",
        "idempotency_key": "k",
        "payload": {"content": "hostile id"},
    }
    (spool / session_file_name(event["session_id"])).write_bytes(encode_line(event))
    (spool / "\x1b]0;PWNED\x07\u202e.jsonl").write_bytes(encode_line({**event, "session_id": "other"}))
    (spool / "\x1b]0;PWNED\x07.jsonl").write_text("garbage \x1b]0;PWNED\x07\n")
    long = ATTACKS["osc-52-clipboard"] + "A" * 900_000
    Recording(spool, "Z-long", agent=long, goal=long, ago=5).user(long).tool(long, {"x": long}, long).end()
    return spool


class Wire:
    """A program behind a pseudo terminal, and every byte that it sent there."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.sent = b""

    def until(self, words: str, *, since: int = 0) -> int:
        """Read until the program has sent `words`; gives how much it has sent by then."""
        end = time.monotonic() + DEADLINE_S
        while words.encode() not in self.sent[since:]:
            if time.monotonic() > end:
                pytest.fail(f"{words!r} was never sent; the last bytes were {self.sent[-600:]!r}")
            if select.select([self._descriptor], [], [], 0.1)[0]:
                try:
                    self.sent += os.read(self._descriptor, 1 << 16)
                except OSError:
                    pytest.fail(f"the program ended before it sent {words!r}: {self.sent[-2000:]!r}")
        return len(self.sent)

    def quiet(self) -> int:
        """Read until nothing comes any more for a moment."""
        while select.select([self._descriptor], [], [], 0.3)[0]:
            try:
                self.sent += os.read(self._descriptor, 1 << 16)
            except OSError:
                break
        return len(self.sent)

    def press(self, keys: str) -> None:
        """Send keys to the program."""
        os.write(self._descriptor, keys.encode())


@contextmanager
def on_a_wire(*words: str, size: tuple[int, int] = (160, 60)) -> Iterator[Wire]:
    """The program on a pseudo terminal of that size."""
    child, descriptor = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        os.environ.pop("NO_COLOR", None)
        os.execv(sys.executable, [sys.executable, "-m", "promptetheus.cli", "tui", *words])
    try:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        yield Wire(descriptor)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(descriptor)


def assert_harmless(sent: bytes) -> None:
    """Nothing that a terminal would obey, or that hides text, is among the bytes."""
    for raw in NEVER:
        place = sent.find(raw)
        assert place < 0, f"{raw!r} reached the terminal: …{sent[max(0, place - 80) : place + 80]!r}"


def test_no_list_preview_filter_palette_or_message_sends_it_raw(hostile: Path) -> None:
    with on_a_wire("--spool", str(hostile)) as wire:
        wire.until(f"{len(ATTACKS) + 3} sessions")
        for _ in range(len(ATTACKS) + 3):
            wire.press("j")
            wire.quiet()
        wire.press("o" * 12)
        wire.quiet()
        wire.press("/agent:")
        wire.quiet()
        wire.press("\x1b")
        wire.quiet()
        wire.press("\x10H0")
        wire.quiet()
        wire.press("\x1b")
        wire.quiet()
        wire.press("?")
        wire.quiet()
        assert b"CLICK ME" in wire.sent
        assert_harmless(wire.sent)


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_no_session_view_sends_it_raw(hostile: Path, name: str) -> None:
    number = list(ATTACKS).index(name)
    with on_a_wire(f"H{number:02}", "--spool", str(hostile)) as wire:
        wire.until("CLICK ME")
        wire.quiet()
        wire.press("g")
        for _ in range(24):
            wire.press("j")
            wire.quiet()
        wire.press("vg")
        wire.quiet()
        assert_harmless(wire.sent)


def test_a_megabyte_in_a_line_is_opened_at_once_and_harmlessly(hostile: Path) -> None:
    with on_a_wire("Z-long", "--spool", str(hostile)) as wire:
        wire.until("AAAA")
        wire.press("jjj")
        wire.quiet()
        assert len(wire.sent) < 1_000_000
        assert_harmless(wire.sent)


def test_the_scan_would_notice(hostile: Path) -> None:
    for name, attack in ATTACKS.items():
        with pytest.raises(AssertionError, match="reached the terminal"):
            assert_harmless(f"{name} {attack}".encode("utf-8", "surrogatepass"))
    assert NOW > 0
