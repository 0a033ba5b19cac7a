"""Taking things out of the Delivery view: what `y` copies, what `x` writes to a file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from promptetheus.delivery import dead_letters
from promptetheus.delivery.overview import report
from promptetheus.display import printable_line
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.delivery.listing import ListsDelivery
from promptetheus.tui.delivery.words import why_failed
from promptetheus.tui.delivery.work import dead_files
from promptetheus.tui.file_writing import file_here
from promptetheus.tui.taking import AtHand, Export

if TYPE_CHECKING:
    from promptetheus.tui.delivery.row import DeliveryLine


class TakingDelivery(ListsDelivery):
    """The keys that take something along."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", show=False, id="delivery.copy", tooltip="Copy: ids, the last error, commands"),
        Binding(
            "x", "export", "export", show=False, id="delivery.export",
            tooltip="Write to a file: how far each session is, what was refused and why",
        ),
    ]  # fmt: skip
    NOTHING_YET = "Nothing was recorded here yet."

    async def copies(self) -> Sequence[Copy]:
        """The session under the cursor, then the command."""
        chosen = self.listed.chosen
        found: list[Copy] = []
        if chosen is not None:
            session_id = chosen.row.session_id if chosen.row is not None else chosen.entry.stem
            found.append(Copy("The session's id", printable_line(session_id, 40), session_id))
            if error := chosen.entry.last_error:
                found.append(Copy("The last error", printable_line(error, 40), error))
        command = shlex.join(["promptetheus", "spool", "list", "--spool", str(self.root)])
        return [*found, Copy("The command that lists this", "promptetheus spool …", command)]

    def exports(self) -> Sequence[Export]:
        """The list, and the refused events with the reasons."""
        named = ("filtered",) if self.hidden else ()
        lines = list(self.listed.lines)
        if not lines:
            return ()
        found = [
            Export(
                "JSON: what promptetheus spool list --json prints",
                file_here("delivery", named, "json"),
                partial(_as_json, self.root, lines),
            ),
            Export(
                "Markdown: a line a session, to read and to paste",
                file_here("delivery", named, "md"),
                partial(as_markdown, lines),
            ),
        ]
        if any(line.entry.dead_events for line in lines):
            path = file_here("refused-events", named, "json")
            files = (
                partial(dead_files, self.root, lines)
                if self.hidden
                else partial(dead_letters.files, self.root)
            )
            found.append(Export("JSON: the refused events and why", path, partial(_refused, files)))
        return found

    def at_hand(self) -> AtHand | None:
        """What is known of the session under the cursor."""
        chosen = self.listed.chosen
        return None if chosen is None else AtHand("delivery.md", as_markdown([chosen]))


def as_markdown(lines: Sequence[DeliveryLine]) -> str:
    """A table of sessions, those with trouble first."""
    head = "| status | session | pending | sent | refused | last error |\n|---|---|--:|--:|--:|---|\n"
    return head + "".join(
        f"| {line.standing.word} | {_cell(line.entry.stem)} | {line.entry.pending_events} "
        f"| {line.entry.sent_events} | {line.entry.dead_events} | {_cell(why_failed(line.entry.last_error))} |\n"
        for line in lines
    )


def _cell(text: str) -> str:
    """Text of others in a cell of a table: it must neither end the cell nor be markup."""
    plain = printable_line(text, 300)
    return "".join(f"\\{char}" if char in "\\`*_[]<>|!" else char for char in plain)


def _as_json(spool: Path, lines: Sequence[DeliveryLine]) -> str:
    return json.dumps(report(spool, [line.entry for line in lines]), indent=2) + "\n"


def _refused(files: Callable[[], list[Path]]) -> str:
    found = [
        {"session": path.stem, "reason": reason, "event": event}
        for path in files()
        for event, reason in dead_letters.read(path)[0]
    ]
    return json.dumps(found, indent=2) + "\n"
