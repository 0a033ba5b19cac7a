"""One event as one line of the raw timeline: its number, its type, its payload as it stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from promptetheus.display import printable_line, value
from promptetheus.tui.fit import cut
from promptetheus.tui.theme import Looks

TYPE_CELLS = 15
"""As wide as `replay_artifact`."""


def event_row(event: Mapping[str, Any], width: int, seq_cells: int, looks: Looks, failed: bool) -> Text:
    """Draw an event in at most `width` cells. The cost does not grow with its payload."""
    seq = event.get("seq")
    row = Text(no_wrap=True, end="")
    shown = str(seq) if isinstance(seq, int) and not isinstance(seq, bool) else "?"
    row.append(cut(shown, 20).rjust(max(3, seq_cells)) + "  ", looks.muted)
    kind = printable_line(str(event.get("type", "?")), 60)
    row.append(cut(kind, TYPE_CELLS).ljust(TYPE_CELLS) + "  ", looks.failed if failed else looks.text)
    row.append(value(event.get("payload"), max(8, width - row.cell_len)), looks.muted)
    row.truncate(width, overflow="ellipsis")
    return row
