"""Keys are answered in the order in which they were pressed, however fast they come.

Textual hands a key to whatever has the focus at that moment. One that moves the focus or opens a view has not done so
yet when the next one comes out of the same burst, of fast fingers, a slow line or a macro: `/ word enter j` typed its
j into the filter. Here a key waits until what came before it has been answered.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

from promptetheus.tui.line_list import LineList

ROUNDS = 3
"""So often a word is passed from the widget with the focus up to the program: the key itself goes that way, then what
the widget has to say about it, then what the view does upon that."""

PATIENCE_S = 0.5
"""Keys are handed out then even so: a widget that was taken away passes no word on."""


class KeysInOrder(App[None]):
    """Mix-in for the app."""

    def __init__(self, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._waiting: deque[events.Key] = deque()
        self._released: events.Key | None = None
        """The key whose turn it is, on its way to us."""
        self._answering = False
        """Whether the key before may still be on its way."""
        self._turn = 0
        """Counts the keys, so that neither word nor patience ends another one's turn."""

    async def on_event(self, event: events.Event) -> None:
        """Hold a key back while the one before it is being answered."""
        if not isinstance(event, events.Key) or event.is_forwarded or not self.screen_stack:
            return await super().on_event(event)
        if event is self._released:
            self._released = None
        elif self._answering:
            self._waiting.append(event)
            if len(self._waiting) == 1:
                self._be_patient(self._turn)
            return None
        self._answering = True
        self._turn += 1
        try:
            await self._hand_out(event)
        finally:
            self._pass_on(iter(()), ROUNDS + 1, self._turn)
            if self._waiting:
                self._be_patient(self._turn)
        return None

    async def _hand_out(self, key: events.Key) -> None:
        """To the widget with the focus, from which it comes back to us where nothing on the way takes it.

        A list takes none, nor does what it stands in: what its keys do is done at once, not after a round of them.
        """
        if not isinstance(self.focused, LineList):
            await super().on_event(key)
        elif not await self._check_bindings(key.key, priority=True):
            key._set_forwarded()
            await super().on_event(key)

    def _pass_on(self, way: Iterator[MessagePump], rounds: int, turn: int) -> None:
        """Ask the next one on the way to go on with this once it has done what it was asked before."""
        while True:
            for pump in way:
                if pump.call_later(self._pass_on, way, rounds, turn):
                    return
            rounds -= 1
            if not rounds:
                return self._answered(turn)
            way = iter([*(self.focused or self.screen).ancestors_with_self])

    def _be_patient(self, turn: int) -> None:
        self.set_timer(PATIENCE_S, lambda: self._answered(turn))

    def _answered(self, turn: int) -> None:
        if turn != self._turn or self._released is not None:
            return
        if self._waiting:
            key = self._waiting.popleft()
            self._released = events.Key(key.key, key.character)
            self.post_message(self._released)
        else:
            self._answering = False
