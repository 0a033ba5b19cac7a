"""Which session does a person mean: a file, an id, or the beginning of one."""

from __future__ import annotations

import os
from pathlib import Path

from promptetheus.queries.roots import Roots, roots_of
from promptetheus.spool import session_file_name

_SUFFIX = ".jsonl"
_SHOWN = 8


class SessionNotFound(LookupError):
    """Nothing goes by this name."""

    def __init__(self, target: str) -> None:
        super().__init__(f"Could not find a session or file for '{target}'.")
        self.target = target


class AmbiguousSession(LookupError):
    """Several sessions begin with this."""

    def __init__(self, target: str, candidates: tuple[str, ...]) -> None:
        more = f" and {len(candidates) - _SHOWN} more" if len(candidates) > _SHOWN else ""
        listed = ", ".join(candidates[:_SHOWN])
        super().__init__(f"'{target}' could be any of {len(candidates)} sessions: {listed}{more}.")
        self.target = target
        self.candidates = candidates
        """Their ids, sorted."""


def resolve(roots: Roots, target: str) -> Path:
    """The file of the session that `target` names.

    In this order: an existing file (spool file or exported `.json`; links are followed, a person named it), a
    session id of the spool, the unique beginning of one in either case, an id shortened as lists show it
    (`01M82748…8Z6`). Of several spools, the first that has it.

    Raises:
        SessionNotFound: nothing matches.
        AmbiguousSession: several sessions begin with `target`.
    """
    named = _existing_file(target)
    if named is not None:
        return named
    if not target:
        raise SessionNotFound(target)
    places = {root: _stems(root) for root in roots_of(roots)}
    stem = target.removesuffix(_SUFFIX)
    for exact in (session_file_name(target).removesuffix(_SUFFIX), stem):
        for root, stems in places.items():
            if exact in stems:
                return root / (exact + _SUFFIX)
    wanted = stem.casefold()
    known = {name: root for root, stems in reversed(places.items()) for name in stems}
    same = sorted(name for name in known if name.casefold() == wanted)
    beginning, _, end = wanted.partition("…")
    found = same or sorted(name for name in known if _is_short_for(beginning, end, name.casefold()))
    if not found:
        raise SessionNotFound(target)
    if len(found) > 1:
        raise AmbiguousSession(target, tuple(found))
    return known[found[0]] / (found[0] + _SUFFIX)


def _is_short_for(beginning: str, end: str, name: str) -> bool:
    return name.startswith(beginning) and name.endswith(end) and len(name) >= len(beginning) + len(end)


def _existing_file(target: str) -> Path | None:
    try:
        path = Path(target)
        return path.resolve() if path.is_file() else None
    except (OSError, ValueError, RuntimeError):  # too long, a NUL inside, a loop of links
        return None


def _stems(root: Path) -> set[str]:
    try:
        with os.scandir(root) as entries:
            return {
                entry.name.removesuffix(_SUFFIX)
                for entry in entries
                if entry.name.endswith(_SUFFIX) and entry.is_file(follow_symlinks=False)
            }
    except OSError:
        return set()
