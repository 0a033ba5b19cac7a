"""What keeps events from being delivered, read from what deliveries wrote down."""

from __future__ import annotations

from pathlib import Path

from promptetheus.delivery import dead_letters
from promptetheus.delivery.record import load, meant_for_delivery
from promptetheus.display import counted
from promptetheus.tui.delivery.words import why_failed
from promptetheus.tui.message_log import Trouble


def delivery_troubles(spool: Path) -> list[Trouble]:
    """One for each reason that deliveries failed for last, the latest first; then one for refused events."""
    failed: dict[str, list[float]] = {}
    for path in meant_for_delivery(spool):
        record = load(path)
        if record is not None and record.last_error:
            failed.setdefault(record.last_error, []).append(record.failed_at or 0.0)
    found = [
        Trouble(f"Delivery of {counted(len(times), 'session')}", why_failed(reason), max(times) or None)
        for reason, times in sorted(failed.items(), key=lambda item: -max(item[1]))
    ]
    refused = dead_letters.files(spool)
    if refused:
        said = f"The API refused events of {counted(len(refused), 'session')}: R in view 6 sends them again."
        found.append(Trouble("Delivery", said))
    return found
