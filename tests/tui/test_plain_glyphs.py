"""Terminals that cannot show our signs get signs of ASCII, and every column stays in place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rich.cells import cell_len

import promptetheus.tui
from promptetheus.queries.rows import Status
from promptetheus.tui.plain_glyphs import glyphs_for
from tests.tui.recorded import a_failing, a_passing
from tests.tui.tmux import PROMPT, needs_tmux, shell_in_tmux, tui_command


def plain(text: str, encoding: str = "ascii", term: str = "xterm") -> str:
    glyphs = glyphs_for({"TERM": term}, encoding)
    return text if glyphs is None else text.translate(glyphs)


def test_a_terminal_that_shows_everything_is_left_alone() -> None:
    assert glyphs_for({"TERM": "xterm-256color"}, "utf-8") is glyphs_for({}, "UTF8") is None


def test_what_the_encoding_has_stays_and_the_rest_keeps_its_width() -> None:
    assert plain("│ ✓ passed → 3…") == "| v passed > 3~"
    assert plain("Größe · ×2 │ 日本", "latin-1") == "Größe · ×2 | ????"
    assert plain("a\u0301e\u200b") == "ae"
    for text in ("▌ ✗ failed goal  12s ago  Büro 日本語", "├──▇▇─s─✗┤"):
        assert len(plain(text)) == cell_len(plain(text)) == sum(map(cell_len, text))


def test_the_console_of_linux_gets_what_its_fonts_have() -> None:
    assert plain("│ ✗ naïve █ ✓", "utf-8", "linux") == "│ x naïve █ v"
    assert plain("├▁▃▄▅▆▇█┤", "utf-8", "linux") == "├_▄▄▄███┤", "one sort of bar"
    assert plain("├▁▃▄▅▆▇█┤", "ascii", "linux") == "+__==###+"


def test_every_sign_that_the_program_draws_has_one_of_its_own() -> None:
    docs = re.compile(r'"""(?:.|\n)*?"""|#.*$', re.MULTILINE)
    texts = [
        docs.sub("", path.read_text("utf-8"))
        for root in promptetheus.tui.__path__
        for path in Path(root).rglob("*.py")
        if path.name != "plain_glyphs.py"
    ]
    signs = {sign for text in texts for sign in text if ord(sign) > 0x7F and not sign.isalnum()}
    signs |= {sign for status in Status for sign in status.glyph if ord(sign) > 0x7F}
    assert [sign for sign in sorted(signs) if plain(sign, "latin-1") == "?"] == []


@needs_tmux
@pytest.mark.parametrize("setting", ["PYTHONIOENCODING=ascii", "PYTHONIOENCODING=latin-1", "TERM=linux"])
def test_in_a_terminal_of_few_signs_nothing_is_garbled(tmp_path: Path, spool: Path, setting: str) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"env {setting} {tui_command('--fresh', '--spool', str(spool))}")
        terminal.keys("Enter")
        screen = terminal.until_text("x failed goal")
        assert "v passed" in screen
        assert "\\u" not in screen and "✗" not in screen
        widths = {line.index("booking-agent") for line in screen.splitlines() if "  booking-agent  " in line}
        assert len(widths) == 1, screen
        terminal.keys("q")
        terminal.until_text(PROMPT)
