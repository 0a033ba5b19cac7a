"""`find`: sessions by a filter, steps by a text in what was recorded, failures by words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from promptetheus.display import printable_line
from promptetheus.mcp.answers import Answer, Refused, without_secrets
from promptetheus.mcp.lines import failure_line, session_line, session_name
from promptetheus.mcp.reader import SpoolReader

if TYPE_CHECKING:
    from promptetheus.queries.filter import Filter
    from promptetheus.queries.search import Hit, Needle


def filter_of(query: str) -> Filter:
    """A filter as the terminal takes it. Raises Refused with what is not understood in it."""
    from promptetheus.queries.filter import BadFilter, read_filter

    try:
        return read_filter(query)
    except BadFilter as error:
        raise Refused(f"The filter is not understood: {printable_line(str(error), 400)}") from None


def find_sessions(reader: SpoolReader, query: str, limit: int, now_s: float) -> Answer:
    """Sessions that the filter lets through."""
    wanted = filter_of(query)
    rows = reader.rows()
    found = [row for row in rows if wanted.matches(row)]
    facts = [f"{len(found)} of {len(rows)} sessions match, newest first."]
    return Answer(facts, [session_line(row, now_s) for row in found[:limit]], "the list of sessions")


def find_steps(reader: SpoolReader, text: str, limit: int) -> Answer:
    """Steps in whose payload the text stands, whatever its case. Looks no further than there is room for."""
    from promptetheus.queries.search import BadPattern, Needle

    try:
        hits = list(islice(_hits(reader, Needle(text)), limit + 1))
    except BadPattern:
        raise Refused("query is empty; write the text to look for, such as an error message.") from None
    lines = []
    for hit in hits[:limit]:
        step = f"step {hit.step}" if hit.step is not None else f"seq {hit.seq}"
        where = f"{session_name(hit.session_id)} {step} {hit.kind or hit.type}"
        lines.append(
            f"{printable_line(where, 160)}  {printable_line(hit.field, 80)}: {_snippet(reader, hit)}"
        )
    more = "More than " if len(hits) > limit else ""
    return Answer([f"{more}{len(lines)} hits, newest session first."], lines, "what was recorded")


def find_failures(reader: SpoolReader, query: str, limit: int, now_s: float) -> Answer:
    """Failures whose fingerprint, label or state has all these words."""
    words = query.lower().split()
    listed = [each.failure for each in reader.failures()]
    found = [
        f for f in listed if all(word in f"{f.fingerprint} {f.label} {f.state}".lower() for word in words)
    ]
    facts = [f"{len(found)} of {len(listed)} failures match, seen last first."]
    return Answer(facts, [failure_line(f, now_s) for f in found[:limit]], "labels of failures")


def _hits(reader: SpoolReader, needle: Needle) -> Iterator[Hit]:
    from promptetheus.queries.search import search_session

    for row in reader.rows():
        yield from search_session(row, needle)


def _snippet(reader: SpoolReader, hit: Hit) -> str:
    """The surroundings of a hit. A snippet may begin or end inside a secret, where nobody would know it: of an event
    that has one, only as much is shown as is left without it."""
    if hit.number is None:
        return hit.snippet
    _, log = reader.open(session_name(hit.session_id))
    event = log.event(hit.number)
    if without_secrets(event) == event:
        return hit.snippet
    return f"(near a secret, which is left out) {printable_line(hit.snippet[hit.start : hit.end], 80)}"
