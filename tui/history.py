"""The places a person has been to, as a browser keeps them. No widget is touched here."""

from __future__ import annotations

from promptetheus.tui.views import Place

MOST_PLACES = 100
"""Older ones are forgotten."""


class History:
    """A line of places with a mark on the present one."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._now = -1
        self._before: Place | None = None

    @property
    def last(self) -> Place | None:
        """The place that was left for the present one, whichever way."""
        return self._before

    def visit(self, place: Place) -> None:
        """The person is at `place` now; what lay ahead is forgotten, unless it is where they are."""
        if self._now >= 0 and self._places[self._now] == place:
            return
        self._note_leaving()
        del self._places[self._now + 1 :]
        self._places.append(place)
        del self._places[:-MOST_PLACES]
        self._now = len(self._places) - 1

    def back(self) -> Place | None:
        """Go one place back; None when this is the first."""
        return self._step(-1)

    def forward(self) -> Place | None:
        """Go forward again after going back; None when there is nothing ahead."""
        return self._step(1)

    def forget(self) -> None:
        """Start anew: the places belong to another spool."""
        self._places, self._now, self._before = [], -1, None

    def _step(self, by: int) -> Place | None:
        if not 0 <= self._now + by < len(self._places):
            return None
        self._note_leaving()
        self._now += by
        return self._places[self._now]

    def _note_leaving(self) -> None:
        if self._now >= 0:
            self._before = self._places[self._now]
