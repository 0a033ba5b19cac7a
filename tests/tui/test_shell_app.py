"""The shell: views on a stack, help, palette, messages, and errors that end nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any, ClassVar

import pytest
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Offset
from textual.screen import Screen
from textual.widgets import Input, Static

from promptetheus import tui
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.chooser import ChoiceList, Chooser
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.guard import Guarded
from promptetheus.tui.help_screen import HelpScreen
from promptetheus.tui.keymap import help_sections, key_text
from promptetheus.tui.palette import SESSIONS_SHOWN, PaletteScreen
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.views import Place
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, a_broken, a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def three(spool: Path) -> None:
    """Newest first: passing, failing, broken."""
    a_broken(spool, "01M8BROKEN", ago=120, agent="coder", goal="fix the parser")
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=10)


async def ready(shown: OnScreen, count: int = 3) -> None:
    await shown.until_text(f"{count} session")
    await shown.until_text("live ●")


async def shows(shown: OnScreen, kind: type[Screen[Any]]) -> None:
    await shown.until(lambda: isinstance(shown.app.screen, kind), what=kind.__name__)


# Views


async def test_enter_opens_the_highlighted_session_and_escape_goes_back_to_it(
    sessions_app: MakeApp, three: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("j", "enter")
        await shows(shown, SessionScreen)
        assert isinstance(shown.app.screen, SessionScreen)
        assert shown.app.screen.path == spool / "01M8FAILED.jsonl"
        await shown.press("escape")
        await shows(shown, SessionsScreen)
        assert isinstance(shown.app.screen, SessionsScreen)
        row = shown.app.screen.table.highlighted
        assert row is not None and row.session_id == "01M8FAILED"


async def test_a_session_from_the_command_line_opens_over_the_list(
    sessions_app: MakeApp, three: None, spool: Path
) -> None:
    async with on_screen(sessions_app(start=Place("session", spool / "01M8BROKEN.jsonl"))) as shown:
        await shows(shown, SessionScreen)
        await shown.press("escape")
        await shows(shown, SessionsScreen)
        await ready(shown)
        assert isinstance(shown.app.screen, SessionsScreen)
        await shown.until(lambda: "▌ ! error" in shown.text, what="the session is highlighted in the list")


async def test_digits_go_to_the_views_that_exist(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("2")
        await shows(shown, SessionScreen)
        await shown.press("2")
        assert isinstance(shown.app.screen, SessionScreen)
        await shown.press("1")
        await shows(shown, SessionsScreen)
        await shown.press("1")
        assert isinstance(shown.app.screen, SessionsScreen)


async def test_minus_goes_back_and_forth(sessions_app: MakeApp, three: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("minus")
        await shown.until_text("No other view has been open yet")
        await shown.press("j", "enter")
        await shows(shown, SessionScreen)
        await shown.press("minus")
        await shows(shown, SessionsScreen)
        await shown.press("g")
        await shown.press("minus")
        await shows(shown, SessionScreen)
        assert isinstance(shown.app.screen, SessionScreen)
        assert shown.app.screen.path == spool / "01M8FAILED.jsonl"


async def test_there_is_no_session_view_without_a_session(sessions_app: MakeApp) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        await shown.press("2")
        await shown.until_text("There is no session to show yet")


async def test_views_keep_reading_while_another_is_in_front(
    sessions_app: MakeApp, three: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("enter")
        await shows(shown, SessionScreen)
        a_passing(spool, "01M8LATER", ago=1)
        app = shown.app
        assert isinstance(app, PromptetheusApp)
        await shown.until(lambda: app.sessions_screen.table.row_count() == 4)


# Help


@pytest.mark.parametrize("opened", [False, True])
async def test_help_lists_every_key_of_the_view(sessions_app: MakeApp, three: None, opened: bool) -> None:
    async with on_screen(sessions_app(), (120, 70)) as shown:
        await ready(shown)
        if opened:
            await shown.press("enter")
            await shows(shown, SessionScreen)
        below = shown.app.screen
        await shown.press("question_mark")
        await shows(shown, HelpScreen)
        listed = shown.app.screen.query_one(ChoiceList).choices
        for active in below.active_bindings.values():
            binding = active.binding
            if binding.id is None or not active.enabled:
                continue  # One of Textual's own.
            shown_keys = [choice for choice in listed if key_text(binding.key) in choice.note.split()]
            assert shown_keys, f"{binding.key} ({binding.description}) is not in the help"


@pytest.mark.parametrize("view", ["1", "2", "4", "5", "6"])
async def test_help_says_all_that_a_key_does_where_it_is_narrow(
    sessions_app: MakeApp, three: None, view: str
) -> None:
    async with on_screen(sessions_app(), (80, 24)) as shown:
        await ready(shown)
        await shown.press(view)
        below = shown.app.screen
        await shown.app.run_action("app.help")
        await shows(shown, HelpScreen)
        listed = shown.app.screen.query_one(ChoiceList)
        width = listed.scrollable_content_region.width
        drawn = [listed.render_row(row, width, False).plain for row in range(listed.row_count())]
        assert not [line for line, each in zip(drawn, listed.choices, strict=True) if each.title not in line]
        said = " ".join(" ".join(line.split()) for line in drawn)
        for section in help_sections(below):
            for shortcut in section.shortcuts:
                assert shortcut.sentence.split()[-1] in said


def our_binding_classes() -> list[type[Any]]:
    """Every class of ours that declares keys."""
    found = []
    for module in walk_packages(tui.__path__, "promptetheus.tui."):
        names = vars(import_module(module.name))
        found += [
            thing
            for thing in names.values()
            if isinstance(thing, type) and thing.__module__ == module.name and "BINDINGS" in vars(thing)
        ]
    return found


@pytest.mark.parametrize("owner", our_binding_classes(), ids=lambda owner: owner.__name__)
def test_every_key_has_a_name_to_remap_it_by_and_says_what_it_does(owner: type[Any]) -> None:
    for binding in Binding.make_bindings(owner.BINDINGS):
        assert binding.id and "." in binding.id, binding
        assert binding.description, binding


def test_no_two_actions_share_a_name_to_remap_them_by() -> None:
    actions: dict[str, set[str]] = {}
    for owner in our_binding_classes():
        for binding in Binding.make_bindings(owner.BINDINGS):
            actions.setdefault(str(binding.id), set()).add(binding.action)
    assert {name: found for name, found in actions.items() if len(found) > 1} == {}


async def test_help_is_searched_by_word_and_by_key(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("question_mark")
        await shows(shown, HelpScreen)
        await shown.type("filter while")
        await shown.until(lambda: "Sort by the next column" not in shown.text)
        assert "Filter while you type" in shown.text
        await shown.press(*["backspace"] * 12)
        await shown.type("zebra")
        await shown.until_text("Nothing fits these words.")


async def test_enter_in_help_does_what_the_line_says(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("question_mark")
        await shows(shown, HelpScreen)
        await shown.type("filter while")
        await shown.press("enter")
        await shows(shown, SessionsScreen)
        await shown.until_text("esc clear")
        assert shown.app.focused is not None and shown.app.focused.id == "filter-input"


@pytest.mark.parametrize("key", ["question_mark", "ctrl+p"])
async def test_escape_closes_what_is_in_front_and_nothing_else(
    sessions_app: MakeApp, three: None, key: str
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press(key)
        await shows(shown, Chooser)
        await shown.press("escape")
        await shows(shown, SessionsScreen)
        assert len(shown.app.screen_stack) == 1


async def test_headings_are_passed_over(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("question_mark")
        await shows(shown, HelpScreen)
        choices = shown.app.screen.query_one(ChoiceList)
        seen = set()
        await shown.press("down", "down", "up")
        assert choices.cursor == 2
        for _ in range(len(choices.choices) + 2):
            assert choices.chosen is not None and choices.chosen.run is not None
            seen.add(choices.cursor)
            choices.move(1)
        assert len(seen) == sum(choice.run is not None for choice in choices.choices) - 1
        for _ in range(len(choices.choices)):
            choices.move(-1)
        assert choices.cursor == 1


# Palette


async def test_the_palette_finds_actions_by_name(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        await shown.type("sort by cost")
        await shown.until(lambda: "Sort by agent" not in shown.text)
        await shown.press("enter")
        await shows(shown, SessionsScreen)
        await shown.until_text("cost↓")


async def test_the_palette_holds_every_action_of_the_view(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        sections = help_sections(shown.app.screen)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        titles = {choice.title.casefold() for choice in shown.app.screen.query_one(ChoiceList).choices}
        for section in sections:
            for shortcut in section.shortcuts:
                # The filter, once it is there, has keys while one types in it.
                if not isinstance(shortcut.node, Input):
                    assert shortcut.sentence.casefold() in titles


async def test_the_palette_changes_the_theme(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        await shown.type("theme high")
        await shown.press("enter")
        await shown.until(lambda: shown.app.theme == "promptetheus-high-contrast")


async def test_scattered_letters_find_an_action_when_no_name_holds_them(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        await shown.type("fltr whl")
        await shown.until_text("Filter while you type")


async def test_the_palette_jumps_to_a_session(sessions_app: MakeApp, three: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        await shown.type("coder parser")
        await shown.until_text("01M8BROKEN")
        await shown.press("enter")
        await shows(shown, SessionScreen)
        assert isinstance(shown.app.screen, SessionScreen)
        assert shown.app.screen.path == spool / "01M8BROKEN.jsonl"


async def test_the_palette_says_how_many_sessions_it_leaves_out(sessions_app: MakeApp, spool: Path) -> None:
    for number in range(SESSIONS_SHOWN + 7):
        a_passing(spool, f"s{number}", ago=number)
    async with on_screen(sessions_app()) as shown:
        await ready(shown, SESSIONS_SHOWN + 7)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        assert shown.app.screen.query_one(ChoiceList).choices[-1].title == "and 7 more: add a word"


async def test_a_click_beside_the_palette_closes_it_and_one_on_its_field_does_not(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("3 sessions")
        await shown.press("ctrl+p")
        palette = shown.app.screen
        field = palette.query_one("ChooserInput").region
        await shown.pilot.click(offset=(field.x, field.y))
        assert shown.app.screen is palette
        await shown.pilot.click(offset=(0, shown.app.size.height - 1))
        await shown.until(lambda: shown.app.screen is not palette, what="closed")


async def test_a_click_highlights_and_a_double_click_runs(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        await shown.type("sort by")
        choices = shown.app.screen.query_one(ChoiceList)
        place = next(
            number for number, choice in enumerate(choices.choices) if choice.title == "Sort by steps"
        )
        await shown.pilot.double_click(ChoiceList, offset=Offset(5, place))
        await shown.until_text("steps↓")


# Messages and errors


class BrokenView(Guarded, Screen[None]):
    """A view with a mistake in every place where one can be made."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "fail", "fail"),
        Binding("b", "fail_in_worker", "fail in a worker"),
        Binding("c", "fail_in_timer", "fail in a timer"),
        Binding("d", "fail_while_drawing", "fail while drawing"),
    ]

    def compose(self) -> ComposeResult:
        yield Static("still here", markup=False)
        yield KeyFooter()

    def action_fail(self) -> None:
        raise ValueError("a mistake in a key")

    def action_fail_in_timer(self) -> None:
        def fail() -> None:
            raise ValueError("a mistake in a timer")

        self.set_timer(0.01, fail)

    @work
    async def action_fail_in_worker(self) -> None:
        raise ValueError("a mistake in a worker")

    def action_fail_while_drawing(self) -> None:
        class Unlucky(Static):
            def render(self) -> Any:
                raise ValueError("a mistake in drawing [/nope]")

        self.mount(Unlucky())


@pytest.mark.parametrize(
    ("key", "said"),
    [("a", "a mistake in a key"), ("b", "a mistake in a worker"), ("c", "a mistake in a timer")],
)
async def test_an_error_of_ours_is_a_message_and_the_keys_go_on_working(
    sessions_app: MakeApp, three: None, key: str, said: str
) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await ready(shown)
        await app.open_screen(BrokenView())
        await shown.press(key)
        await shown.until_text(said)
        assert "Nothing in the spool was touched" in shown.text
        assert "still here" in shown.text
        await shown.press("ctrl+p")
        await shows(shown, PaletteScreen)
        await shown.press("escape", "1")
        await shows(shown, SessionsScreen)
        assert len(app.errors) == 1 and "ValueError" in app.errors[0]
        app.errors.clear()


async def test_a_mistake_in_drawing_leaves_a_way_out(sessions_app: MakeApp, three: None) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await ready(shown)
        await app.open_screen(BrokenView())
        await shown.press("d")
        await shown.until(lambda: app.errors)
        await shown.press("1")
        await shows(shown, SessionsScreen)
        await shown.until_text("a mistake in drawing")
        app.errors.clear()


async def test_the_same_error_again_and_again_is_told_once(sessions_app: MakeApp, three: None) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await ready(shown)
        await app.open_screen(BrokenView())
        for _ in range(20):
            await shown.press("a")
        assert shown.text.count("a mistake in a key") == 1
        assert len(app.errors) == 20
        app.errors.clear()


class Unbuildable(Guarded, Screen[None]):
    """A view that cannot be built."""

    def compose(self) -> ComposeResult:
        raise ValueError("a mistake in building")
        yield


async def test_a_view_that_cannot_be_built_does_not_lock_the_keys(sessions_app: MakeApp, three: None) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await ready(shown)
        await app.open_screen(Unbuildable())
        await shown.until_text("a mistake in building")
        await shown.press("1", "j", "enter")
        await shows(shown, SessionScreen)
        app.errors.clear()


async def test_a_mistake_before_the_first_frame_ends_the_program_with_its_traceback(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: SessionsScreen) -> ComposeResult:
        raise ValueError("a mistake at the start")

    monkeypatch.setattr(SessionsScreen, "compose", broken)
    app = PromptetheusApp(spool, clock=lambda: NOW)
    with pytest.raises(ValueError, match="a mistake at the start"):
        async with app.run_test():
            pass
    assert app.return_code == 1


async def test_messages_are_never_markup(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        shown.app.notify("[@click=app.quit]press me[/] [/nope] \x1b[2J", title="[b]title\x07", markup=True)
        await shown.until_text("[@click=app.quit]press me[/] [/nope] ␛[2J")
        assert "[b]title␇" in shown.text


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("question_mark", "?"),
        ("slash", "/"),
        ("minus", "-"),
        ("escape", "esc"),
        ("ctrl+p", "ctrl+p"),
        ("up", "↑"),
        ("G", "G"),
        ("pagedown", "PgDn"),
        ("space", "space"),
        ("f1", "f1"),
    ],
)
def test_keys_are_written_as_people_write_them(key: str, text: str) -> None:
    assert key_text(key) == text
