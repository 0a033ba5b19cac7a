"""What the makers of this program need to know of a mistake in it, and nothing that was recorded."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath

from promptetheus.display import printable_line

_PACKAGES = ("promptetheus", "textual", "rich", "duckdb", "orjson", "watchfiles")

_TERMINAL = ("TERM", "COLORTERM", "TERM_PROGRAM", "NO_COLOR", "LANG")
"""Settings that say which terminal it is."""

_PARTS = 3
"""Of a file's path, from its end: where a person keeps it is nobody's business."""

_CHAIN = 5
"""Errors that led to one another."""


def outline(error: BaseException) -> str:
    """Where an error came from: files, lines and kinds of errors. Their messages may quote what was recorded, and are
    left out, as are the values of variables."""
    return "\n".join(_outline(error))


def _outline(error: BaseException | None) -> Iterator[str]:
    for _ in range(_CHAIN):
        if error is None:
            return
        yield type(error).__name__
        for frame in traceback.extract_tb(error.__traceback__):
            place = "/".join(PurePath(frame.filename).parts[-_PARTS:])
            yield f"  {place}:{frame.lineno} in {frame.name}"
        error = error.__cause__ or error.__context__
        if error is not None:
            yield "after"


def bug_report(
    outlines: Sequence[str], size: tuple[int, int], view: str, environment: Mapping[str, str]
) -> str:
    """A text to paste into a report.

    Args:
        outlines: Of the errors so far, the newest last.
        size: Columns and lines of the screen.
        view: What is in front.
    """
    lines = [
        f"Python {platform.python_version()} on {platform.system()} {platform.machine()}",
        *(f"{name} {found}" for name in _PACKAGES if (found := _version(name))),
        f"{size[0]}×{size[1]} cells, view {view}",
        *(f"{name}={printable_line(environment[name], 60)}" for name in _TERMINAL if name in environment),
        "",
        *(outlines or ["Nothing went wrong so far."]),
    ]
    return "\n".join(lines) + "\n"


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""
