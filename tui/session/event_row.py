"""One event as one line of the raw timeline: its number, its type, its payload as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from promptetheus.display import printable_line, value
from promptetheus.tui.fit import cells, cut, cut_pieces, joined
from promptetheus.tui.theme import Looks

TYPE_CELLS = 15
"""As wide as `replay_artifact`."""


def event_row(event: Mapping[str, Any], width: int, seq_cells: int, looks: Looks, failed: bool) -> Text:
    """Draw an event in at most `width` cells. The cost does not grow with its payload."""
    seq = event.get("seq")
    shown = str(seq) if isinstance(seq, int) and not isinstance(seq, bool) else "?"
    number = cut(shown, 20).rjust(max(3, seq_cells)) + "  "
    kind = cut(printable_line(str(event.get("type", "?")), 60), TYPE_CELLS).ljust(TYPE_CELLS) + "  "
    payload = value(event.get("payload"), max(8, width - len(number) - cells(kind)))
    pieces = [(number, looks.muted), (kind, looks.failed if failed else looks.text), (payload, looks.muted)]
    return joined(cut_pieces(pieces, width))
