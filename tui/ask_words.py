"""A question with one line for the answer, in front of a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from promptetheus.display import printable_line
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.text_input import TextInput


class AskWords(Guarded, ModalScreen[None]):
    """`enter` hands the words over, `esc` does not.

    Args:
        question: What is asked for, and about what.
        words: What stands in the field at first.
        answered: Called with the words, which may be empty.
    """

    BINDING_GROUP_TITLE = "Question"
    CSS_PATH = "failures/failures.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "close", id="ask.close")]

    def __init__(self, question: str, words: str, answered: Callable[[str], object]) -> None:
        super().__init__()
        self._question = question
        self._words = words
        self._answered = answered

    def compose(self) -> ComposeResult:
        """The question over the field."""
        with Vertical(id="ask"):
            yield Static(printable_line(self._question, 300), id="ask-question", markup=False)
            yield TextInput(self._words, placeholder=with_keys("enter keeps it, <ask.close:escape> does not"))

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        # Once the view below is the active one again.
        self.app.call_later(self._answered, event.value)
        self.dismiss()
