"""Pages of a list of sessions. A cursor names a place in the order, not a number: new sessions shift nothing."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from typing import NamedTuple

import orjson

from promptetheus.queries.rows import SessionRow


class BadCursor(ValueError):
    """A text that is no cursor of ours."""


class Page(NamedTuple):
    """Some rows of a list."""

    rows: list[SessionRow]
    next_cursor: str | None
    """Where the next page begins; None on the last one."""


def newest_first(row: SessionRow) -> tuple[float, str]:
    """The order of lists: by start, the latest first (files without a time by their own)."""
    return (-(row.started if row.started is not None else row.mtime), row.session_id)


def page(rows: Iterable[SessionRow], limit: int = 0, after: str | None = None) -> Page:
    """The rows after a cursor, at most `limit` of them (0: all). `rows` in the order of `newest_first`.

    Raises:
        BadCursor: `after` did not come from a page.
    """
    place = None if after is None else _decoded(after)
    rest = [row for row in rows if place is None or newest_first(row) > place]
    if limit <= 0 or len(rest) <= limit:
        return Page(rest, None)
    return Page(rest[:limit], _encoded(newest_first(rest[limit - 1])))


def _encoded(place: tuple[float, str]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def _decoded(cursor: str) -> tuple[float, str]:
    try:
        match orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))):
            case [float(place), str(session_id)]:
                return place, session_id
    except (ValueError, binascii.Error):
        pass
    raise BadCursor(f"{cursor!r} is no cursor: take next_cursor of the page before")
