"""The lines over the Delivery view that name the API and say how it is. Never the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text
from textual.widget import Widget

from promptetheus.display import age, duration, printable_line
from promptetheus.tui.delivery.words import why_failed
from promptetheus.tui.fit import Pieces, cells_of, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.theme import Looks, looks_of

if TYPE_CHECKING:
    from promptetheus.delivery.reach import Reach


class ApiLine(Guarded, Widget, can_focus=False):
    """`API  https://gateway.example   ✓ healthy  12ms   key taken   clock +0.2s   checked 3s ago`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ApiLine { height: 1; padding: 0 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._url: str | None = None
        self._found: Reach | None = None
        self._checking = False
        self._checked_s = 0.0
        self._now_s = 0.0

    def show(
        self, url: str | None, found: Reach | None, *, checking: bool, checked_s: float, now_s: float
    ) -> None:
        """Show what is configured and what it answered; `url` is None without an API."""
        shown = (url, found, checking, checked_s, now_s)
        self._url, self._found, self._checking, self._checked_s, self._now_s = shown
        self.refresh()

    def render(self) -> Text:
        """Draw what is known."""
        looks = looks_of(self.app)
        width = self.size.width
        told, when = self._pieces(looks), self._when(looks)
        # Half of when that was says nothing.
        return joined(cut_pieces([*told, *when] if cells_of([*told, *when]) <= width else told, width))

    def _pieces(self, looks: Looks) -> Pieces:
        if self._url is None:
            return [
                ("No API is configured: ", looks.text),
                ("nothing leaves this machine.", looks.muted),
                (with_keys("   <delivery.check:c> "), looks.accent),
                ("says how to set one", looks.muted),
            ]
        pieces: Pieces = [
            ("API  ", looks.muted),
            (printable_line(self._url, 200), looks.strong),
            ("   ", looks.text),
        ]
        found = self._found
        if found is None:
            return [*pieces, ("asking …" if self._checking else "", looks.muted)]
        if found.error:
            return [*pieces, (f"! {why_failed(found.error)}", looks.failed)]
        latency = f"  {duration(found.latency_ms)}" if found.latency_ms is not None else ""
        pieces += [("✓ healthy", looks.passed), (latency, looks.muted)]
        if found.is_key_taken is False:
            pieces += [("   ✗ key refused", looks.failed), ("  check PROMPTETHEUS_API_KEY", looks.muted)]
        elif found.is_key_taken:
            pieces.append(("   ✓ key taken", looks.passed))
        return [*pieces, *self._skew(looks, found)]

    def _skew(self, looks: Looks, found: Reach) -> Pieces:
        from promptetheus.delivery.reach import MAX_SKEW_S

        skew = found.clock_skew_s
        if skew is None or abs(skew) < MAX_SKEW_S:
            return []
        way = "ahead" if skew > 0 else "behind"
        return [(f"   ! its clock is {duration(abs(skew) * 1000)} {way}", looks.warned)]

    def _when(self, looks: Looks) -> Pieces:
        if self._url is None or self._found is None:
            return []
        ago = "asking …" if self._checking else f"checked {age(max(0.0, self._now_s - self._checked_s))}"
        return [(f"   {ago}", looks.muted)]
