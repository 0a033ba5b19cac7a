"""Printing: data to stdout, talk to stderr, nothing that a terminal would obey."""

from __future__ import annotations

import sys
from typing import Any

from promptetheus.display import printable


def out(text: str) -> None:
    """Print data for people."""
    _write(sys.stdout, printable(text))


def say(text: str) -> None:
    """Tell the person something that is not data."""
    _write(sys.stderr, printable(text))


def print_json(value: Any) -> None:
    """Print data for programs: indented JSON in ASCII, so that no text in it reaches a terminal raw."""
    print(json_text(value))


def json_text(value: Any, *, ascii_only: bool = True) -> str:
    """Any value as indented JSON that every parser takes.

    All of it, however much that is: a list that ends early would be taken for the whole one. Only what no JSON can
    hold is replaced: NaN by null, halves of surrogate pairs by U+FFFD, what is nested too deeply by a mark.
    """
    import json

    from promptetheus.encoding import jsonable

    def written(thing: Any) -> str:
        return json.dumps(
            thing,
            indent=2,
            ensure_ascii=ascii_only,
            allow_nan=False,
            default=lambda v: jsonable(v, sys.maxsize),
        )

    try:
        text = written(value)
        if "\\ud" not in text:
            text.encode()
            return text
    except (ValueError, TypeError, RecursionError):
        pass
    return written(jsonable(value, sys.maxsize))


def _write(stream: Any, text: str) -> None:
    try:
        print(text, file=stream)
    except UnicodeEncodeError:  # a terminal with a narrow encoding
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
