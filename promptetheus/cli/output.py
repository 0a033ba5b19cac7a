"""Printing: data to stdout, talk to stderr, nothing that a terminal would obey."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from promptetheus.display import printable, printable_line
from promptetheus.plain_json import json_text as json_text


def out(text: str) -> None:
    """Print data for people."""
    _write(sys.stdout, printable(text))


def say(text: str) -> None:
    """Tell the person something that is not data."""
    _write(sys.stderr, printable(text))


def print_json(value: Any) -> None:
    """Print data for programs: indented JSON in ASCII, so that no text in it reaches a terminal raw."""
    print(json_text(value))


def quoted(typed: str) -> str:
    """What a person typed, in quotes, for a sentence to them: its beginning where it is long."""
    return repr(printable_line(typed, 120))


def _write(stream: TextIO, text: str) -> None:
    try:
        print(text, file=stream)
    except UnicodeEncodeError:  # a terminal with a narrow encoding
        encoding = stream.encoding or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)
