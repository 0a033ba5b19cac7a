"""Keys that a person chose: presets, single actions, and what is told of a file that is not understood."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.project_files import beside
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.key_file import PRESETS, check_keys, read_keys
from promptetheus.tui.key_list import key_actions
from promptetheus.tui.keymap import help_sections
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture(autouse=True)
def no_file_of_the_developer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def write(spool: Path, text: str) -> None:
    path = beside(spool, "keys.toml")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_project_counts_for_more_than_the_person(spool: Path, tmp_path: Path) -> None:
    own = tmp_path / "config" / "promptetheus" / "keys.toml"
    own.parent.mkdir(parents=True)
    own.write_text('preset = "vim"\n[keys]\n"app.quit" = "ctrl+k"\n"app.note" = "ctrl+n"\n')
    write(spool, '[keys]\n"app.quit" = "Q"\nsessions.diff = "ctrl+d"\n')
    chosen = read_keys(spool)
    assert not chosen.problems
    wanted = {"app.quit": "Q", "app.note": "ctrl+n", "sessions.diff": "ctrl+d"}
    assert wanted.items() <= chosen.keys.items()
    assert chosen.keys["app.last_view"] == PRESETS["vim"]["app.last_view"]


def test_the_spool_of_the_demo_is_of_the_project_around_it(tmp_path: Path) -> None:
    project = tmp_path / ".promptetheus"
    demo = project / "demo" / "spool"
    write(project / "spool", '[keys]\n"app.quit" = "Q"\n"app.note" = "ctrl+n"\n')
    write(demo, '[keys]\n"app.quit" = "X"\n')
    chosen = read_keys(demo)
    assert {"app.quit": "X", "app.note": "ctrl+n"}.items() <= chosen.keys.items()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("preset = 'wordstar'", "no preset 'wordstar'"),
        ("[keys]\n'app.quit' = 3", "is no text"),
        ("keys = 3", "is no table"),
        ("[keys]\n'app.quit' = 'press me'", "is no key"),
        ("[keys", "keys.toml"),
        ("[keys]\n'app.quit' = 'x'\n'app.note' = 'x'", "x is given to app.quit and to app.note"),
    ],
)
def test_what_is_not_understood_is_told(spool: Path, text: str, told: str) -> None:
    write(spool, text)
    assert told in " ".join(read_keys(spool).problems)


def test_presets_name_actions_that_there_are() -> None:
    known = {action.id: action for action in key_actions()}
    for preset in PRESETS.values():
        assert check_keys(preset, known) == []
    assert "no action nothing.here" in check_keys({"nothing.here": "x"}, known)[0]
    (told,) = check_keys({"sessions.filter": "ctrl+f"}, known)
    assert "ctrl+f is sessions.filter now" in told and "stays its own: list.page_down" in told


def test_every_action_is_listed_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tui", "--keys"]) == 0
    said = capsys.readouterr().out
    assert "sessions.diff" in said and "app.palette" in said and "delivery.replay" in said


async def test_a_chosen_key_works_is_shown_and_the_old_one_is_free(
    sessions_app: MakeApp, spool: Path
) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)
    write(spool, '[keys]\n"app.help" = "f1"\n"sessions.filter" = "ctrl+g"\n"no.action" = "x"\n')
    async with on_screen(sessions_app(keys=read_keys(spool))) as shown:
        await shown.until_text("live ●")
        await shown.until_text("there is no action no.action")
        await shown.press("f1")
        await shown.until_text("type to search")
        await shown.press("escape")
        keys = {
            key
            for section in help_sections(shown.app.screen)
            for each in section.shortcuts
            for key in each.keys
        }
        assert "f1" in keys and "question_mark" not in keys
        await shown.press("slash")
        assert "words, status:" not in shown.text
        await shown.press("ctrl+g")
        await shown.until_text("words, status:")
