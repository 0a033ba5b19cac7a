"""A key that does nothing where the person is says so, and why where there is a reason."""

from __future__ import annotations

from textual.app import App
from textual.screen import ModalScreen

from promptetheus.tui.keymap import key_text, with_keys


class SaysUnused(App[None]):
    """Mix-in for the app."""

    _said_last = ""
    """Of a key that does nothing."""

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        """Do what the key is bound to, and answer one that nothing is bound to, in whatever view.

        Textual asks here last of all, once no widget wanted the key. Fields and dialogs say what they take.
        """
        is_done = await super()._check_bindings(key, priority)
        if not is_done and not priority and self._says_what_is_unused(key):
            self._say_instead(self._why_unused(key))
        return is_done

    def _why_unused(self, key: str) -> str:
        # Not needed by the first frame.
        from promptetheus.tui.key_list import known_actions
        from promptetheus.tui.palette_elsewhere import where_it_works
        from promptetheus.tui.views import ViewScreen

        view = self.screen
        if isinstance(view, ViewScreen):
            if key in view.ELSEWHERE:
                return with_keys(view.ELSEWHERE[key], self)
            if there := where_it_works(view, key, known_actions()):
                return there
        usual = f"{key_text(key)} does nothing here: <app.help:question_mark> lists the keys that do."
        return with_keys(usual, self)

    def _say_instead(self, why: str) -> None:
        """In place of what was said of the key before: whoever tries some keys would have the view full of it."""
        for shown in [each for each in self._notifications if each.message == self._said_last]:
            self._unnotify(shown, refresh=False)
        self._said_last = why
        self.notify(why, timeout=3)

    def _says_what_is_unused(self, key: str) -> bool:
        from textual.widgets import Input, TextArea  # 10 ms that the first frame need not wait for

        # Textual names what it cannot read "<unknown>": nobody meant a key by that.
        return not (
            key.startswith("<")
            or isinstance(self.screen, ModalScreen)
            or isinstance(self.focused, Input | TextArea)
        )
