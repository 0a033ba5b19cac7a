"""How the Delivery view says things: why sending failed, and how one session is on its way."""

from __future__ import annotations

import re

from promptetheus.display import age, counted, printable_line
from promptetheus.tui.delivery.row import DeliveryLine, Standing, as_noted
from promptetheus.tui.keymap import with_keys

_STATUS = re.compile(r"HTTP (\d{3})\b")
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_MOST_TOLD = 300
"""Characters of what a server says; a page of HTML helps nobody."""

HOW_TO_SET_AN_API = (
    "No API is configured. Set PROMPTETHEUS_API_KEY, and PROMPTETHEUS_API_URL for a gateway of your own "
    "(promptetheus dev runs one), then start this again."
)


def why_failed(error: str) -> str:
    """A failure as it was noted down, with what to do where that is known."""
    error = as_noted(error)
    told = printable_line(error, _MOST_TOLD)
    if found := _STATUS.match(error):
        if found[1] in ("401", "403"):
            return f"The API does not take the key (HTTP {found[1]}): check PROMPTETHEUS_API_KEY."
        if found[1] == "429":
            return "The API asks to send less (HTTP 429): try again in a while."
        if told == found[0]:
            return f"The API answered {told} and said nothing more."
        return f"The API has trouble of its own: {told}" if found[1].startswith("5") else told
    if error.startswith("ConnectError"):
        return f"Nothing answers at that address: {_ERRNO.sub('', told.partition(': ')[2])}"
    if "Timeout" in error.partition(":")[0]:
        return "The API did not answer in time."
    return told


def how_it_stands(line: DeliveryLine, now_s: float, *, has_api: bool) -> str:
    """What a person wants to know of a session, and the key that goes on."""
    entry = line.entry
    to_send = with_keys("<delivery.replay:r> sends it") if has_api else "it waits for an API"
    said = []
    if entry.dead_events:
        again = "it" if entry.dead_events == 1 else "them"
        refused = counted(entry.dead_events, "event")
        keys = with_keys(f"<delivery.retry:R> sends {again} again, <delivery.export:x> has the reason")
        said.append(f"The API refused {refused} of it for good: {keys}.")
    match line.standing:
        case Standing.FAILED:
            when = "" if entry.failed_at is None else f" {age(max(0.0, now_s - entry.failed_at))}"
            why = why_failed(entry.last_error)
            # A sentence of ours goes on behind the colon; what a server said stands as it is.
            why = why[:1].lower() + why[1:] if why.startswith(("The ", "Nothing ")) else why
            said.append(f"Sending failed{when} ({to_send} again): {why.removesuffix('.')}.")
        case Standing.LOCAL:
            keys = with_keys("mark it with <delivery.mark:space> and press <delivery.replay:r>")
            said.append(f"Recorded without an API: it stays here, unless you {keys}.")
        case Standing.SENT:
            said.append(f"All of it was sent: {counted(entry.sent_events, 'event')}.")
        case _ if entry.pending_bytes:
            said.append(f"{counted(entry.pending_events, 'event')} not sent yet: {to_send}.")
        case _:
            pass
    return " ".join(said)
