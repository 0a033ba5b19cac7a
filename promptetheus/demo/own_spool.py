"""The directory the demo records into, and what in it belongs to the demo.

A marker file holds a token, and every session of the demo carries that token in its metadata. Only files that
carry it are ever removed: sessions that somebody else recorded into the same directory stay.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from promptetheus.ids import new_nonce

DEMO_SPOOL = Path(".promptetheus/demo/spool")
"""Where the demo records unless it is told otherwise; never the spool of the user's own agents."""

MARKER = ".promptetheus-demo"

_TOKEN = re.compile(r"[0-9a-f]{8,64}")


def prepare(spool: Path) -> str:
    """Makes the directory ready for a new recording and returns the token its sessions have to carry.

    An earlier recording of the demo in it is removed, except for a session that is still being written.
    Raises OSError when the directory cannot be made or written.
    """
    os.makedirs(spool, mode=0o700, exist_ok=True)
    token = token_of(spool)
    _remove_sessions(spool, token)
    return token


def token_of(spool: Path) -> str:
    """The token that sessions of the demo in this directory carry; the marker is made where there is none.

    Where a file of somebody else has the marker's name, the token is a new one each time: what is recorded
    with it is simply not removed later.
    """
    try:
        descriptor = os.open(spool / MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_marker(spool) or new_nonce()
    token = new_nonce()
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    return token


def _read_marker(spool: Path) -> str:
    """The token in the marker, or "" when it is none of ours."""
    try:
        text = (spool / MARKER).read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
    return text if _TOKEN.fullmatch(text) else ""


def _remove_sessions(spool: Path, token: str) -> None:
    from promptetheus.queries.catalog import Catalog, Status

    catalog = Catalog(spool)
    catalog.refresh()
    for row in catalog.rows():
        if row.metadata.get("demo") == token and row.status is not Status.RUNNING:
            row.path.unlink(missing_ok=True)
            row.path.with_suffix(".delivery.json").unlink(missing_ok=True)
