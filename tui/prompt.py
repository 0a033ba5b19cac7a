"""A question in front of a view: one line to type an answer into, or yes and no."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from promptetheus.display import printable
from promptetheus.tui.guard import Guarded
from promptetheus.tui.text_input import TextInput
from promptetheus.tui.theme import looks_of

_CSS = """
    {name} {{
        align-horizontal: center; background: $background 60%;
        & > Vertical {{
            width: 76; max-width: 94%; height: auto; max-height: 80%; margin-top: 3; padding: 1 2;
            background: $surface; border-left: outer $accent;
        }}
        & Static {{ height: auto; }}
        & TextInput {{ margin: 1 0 0 0; }}
        & .hint {{ margin: 1 0 0 0; }}
        &:ansi {{ background: transparent; }}
    }}
"""


class Prompt(Guarded, ModalScreen[None]):
    """Asks for a line of text; what was typed goes to `answered`, which is not called when it is left empty."""

    BINDING_GROUP_TITLE = "Question"
    DEFAULT_CSS = _CSS.format(name="Prompt")
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "leave it", id="prompt.close")]

    def __init__(
        self, question: str, answered: Callable[[str], object], *, value: str = "", may_be_empty: bool = False
    ) -> None:
        super().__init__()
        self._question = question
        self._answered = answered
        self._value = value
        self._may_be_empty = may_be_empty

    def compose(self) -> ComposeResult:
        """The question, the field, the keys."""
        with Vertical():
            yield Static(printable(self._question), markup=False)
            yield TextInput(self._value)
            yield Static("enter keeps it, esc leaves it", markup=False, classes="hint")

    def on_mount(self) -> None:
        """The keys of the dialog are said quietly."""
        hint = self.query_one(".hint", Static)
        hint.update(Text("enter keeps it   esc leaves it", looks_of(self.app).muted))

    @on(Input.Submitted)
    def _typed(self, event: Input.Submitted) -> None:
        event.stop()
        text = event.value.strip()
        self.dismiss()
        if text or self._may_be_empty:
            self.app.call_later(self._answered, text)


class Confirm(Guarded, ModalScreen[None]):
    """Asks whether something that cannot be undone is to be done; names it in full."""

    BINDING_GROUP_TITLE = "Question"
    DEFAULT_CSS = _CSS.format(name="Confirm")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape", "dismiss", "no", id="confirm.no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, question: str, consequence: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._act = act

    def compose(self) -> ComposeResult:
        """What would be done, what that means, the two keys."""
        with Vertical():
            yield Static("", id="question", markup=False)
            yield Static("", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Nothing has the focus: only the two keys do anything."""
        looks = looks_of(self.app)
        text = Text(printable(self._question), looks.strong)
        if self._consequence:
            text.append(f"\n{printable(self._consequence)}", looks.muted)
        self.query_one("#question", Static).update(text)
        keys = Text.assemble(
            ("y", looks.accent), (" yes, do it    ", looks.text), ("n", looks.accent), (" no", looks.text)
        )
        self.query_one(".hint", Static).update(keys)

    def action_yes(self) -> None:
        """Do it, once the view below is in front again."""
        self.dismiss()
        self.app.call_later(self._act)
