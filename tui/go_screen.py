"""`:` goes anywhere by name, as in k9s: `:failures`, `:session 01M8…`, `:step 412`, `:sessions status:failed`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from promptetheus.tui.chooser import Choice, Chooser
from promptetheus.tui.go_words import GoWords
from promptetheus.tui.shell import Shell


class GoScreen(Chooser):
    """Offers the places that fit the words, the likeliest first."""

    PROMPT: ClassVar[str] = "Go to: failures, session 01M8…, step 412, sql …"
    IS_TYPED = True

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self._known = GoWords(shell)

    def choices(self, words: str) -> Sequence[Choice]:
        """Where the words lead."""
        return self._known.leading(words)
