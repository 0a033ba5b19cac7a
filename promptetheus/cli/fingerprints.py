"""From the beginning of a fingerprint, as a person typed it, to the whole one."""

from __future__ import annotations

from collections.abc import Iterable

from promptetheus.cli.output import quoted, say


def whole_fingerprint(beginning: str, known: Iterable[str]) -> str | None:
    """The one that begins so; None after telling the person that there is none, or several."""
    found = sorted({each for each in known if beginning and each.startswith(beginning.lower())})
    if len(found) == 1:
        return found[0]
    if found:
        say(f"{quoted(beginning)} is the beginning of several fingerprints: {', '.join(found[:10])}")
    else:
        say(f"No session failed with the fingerprint {quoted(beginning)}. See: promptetheus failures")
    return None
