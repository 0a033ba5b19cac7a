"""Texts that name a key name the one that is in force."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import promptetheus.tui
from promptetheus.project_files import beside
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.key_file import read_keys
from promptetheus.tui.key_list import key_actions
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.sessions.session_table import SessionTable
from tests.tui.compared import a_pair
from tests.tui.conftest import on_screen

MakeApp = Callable[..., PromptetheusApp]

NAMED = re.compile(r"<(\w+\.\w+):([\w+]+)>")
CHOSEN = re.compile(r'chosen_key\([\w.]+, "(\w+\.\w+)", "([\w+]+)"\)')
HARD_WIRED = re.compile(
    r"\b(esc|space|ctrl\+[abd-oq-z]|[a-zA-Z@/?]) "
    r"(clears|quits|opens|shows|goes|gives|leaves|lists|marks|plays|stops|says|sends|saves|follows|changes)\b"
)


def sources() -> list[tuple[Path, str]]:
    found = [path for root in promptetheus.tui.__path__ for path in Path(root).rglob("*.py")]
    return [(path, path.read_text("utf-8")) for path in found]


def test_a_named_action_exists_and_the_key_beside_it_is_its_usual_one() -> None:
    usual = {action.id: action.keys.split(",") for action in key_actions()}
    # Subclasses give some actions of lists other keys; the file of keys names them all at once.
    named = [
        (path.name, *pair)
        for path, text in sources()
        for pattern in (NAMED, CHOSEN)
        for pair in pattern.findall(text)
    ]
    assert len(named) > 60
    assert [each for each in named if each[2] not in usual.get(each[1], ())] == []


def test_no_text_names_a_key_that_could_be_another() -> None:
    docs = re.compile(r'"""(?:.|\n)*?"""|^\s*#.*$', re.MULTILINE)
    found = [
        (path.name, match[0])
        for path, text in sources()
        for match in HARD_WIRED.finditer(docs.sub("", text))
        if path.name != "jump_mode.py"  # Whatever leads nowhere ends it: its esc is no binding.
    ]
    assert found == []


def test_a_text_without_a_program_names_the_usual_keys() -> None:
    assert with_keys("<app.quit:q> quits, <sessions.clear:escape> clears <b> and <a:b>") == (
        "q quits, esc clears <b> and <a:b>"
    )


@pytest.fixture
def own_keys(spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    a_pair(spool)
    path = beside(spool, "keys.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = {
        "app.quit": "ctrl+q",
        "app.help": "f1",
        "sessions.clear": "ctrl+x",
        "filter.clear": "ctrl+g",
        "filter.complete": "f2",
        "session.play": "P",
        "diff.noise": "I",
        "delivery.check": "K",
        "sql.queries": "f3",
        "chooser.close": "f4",
        "failures.back": "backspace",
        "sessions.mark": "M",
    }
    path.write_text("[keys]\n" + "".join(f'"{action}" = "{key}"\n' for action, key in lines.items()))


async def test_hints_of_every_view_follow_the_file_of_keys(
    sessions_app: MakeApp, own_keys: None, spool: Path
) -> None:
    async with on_screen(sessions_app(keys=read_keys(spool)), (140, 40)) as shown:
        await shown.until_text("live ●")
        await shown.press("ctrl+x")
        await shown.until_text("ctrl+q quits.")
        await shown.press("slash")
        await shown.until_text("f2 lists all")
        await shown.type("zzz")
        await shown.until_text("ctrl+g clears")
        await shown.press("enter")
        await shown.until_text("No session matches this filter: ctrl+x clears it, ")
        await shown.until_text("ctrl+x clears ")
        await shown.press("ctrl+x")
        await shown.press("ctrl+p")
        await shown.until_text("f4 closes")
        await shown.press("f4")
        await shown.press("6")
        await shown.until_text("K says how to set one")
        await shown.press("5")
        await shown.until_text("f3 has ")
        await shown.press("escape", "1")
        await shown.until(lambda: shown.app.screen.query(SessionTable))
        await shown.press("d")
        await shown.until_text("I changes")
        await shown.press("J")
        await shown.until_text("f1 lists the keys that do.")
        await shown.press("space")
        await shown.until_text("Sessions are marked in their list: 1 goes there.")
        await shown.press("2")
        await shown.until_text("P play")
