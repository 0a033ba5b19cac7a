"""Which plain texts a regular expression cannot match without: what to look for in bytes before anything is parsed.

Python's own parser reads the pattern (the module is private to `re`: where it is not there, nothing is certain).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MAX_ALTERNATIVES = 16
"""`a|b|c` is looked for as three texts; beyond so many, reading everything is as fast."""

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 _-")
"""Characters that every JSON encoder writes as themselves."""


def required_texts(pattern: str, flags: int) -> tuple[str, ...]:
    """Texts of which at least one stands in everything that the pattern matches; none when that is not certain.

    Upper and lower case are as in the pattern, whatever `flags` say. Raises what `re.compile` raises.
    """
    try:
        from re import _constants, _parser  # type: ignore[attr-defined]
    except ImportError:
        return ()
    tree = _parser.parse(pattern, flags)
    if (tree.state.flags ^ flags) & re.IGNORECASE:  # said inside the pattern: whoever asks does not know
        return ()
    return _Reader(_constants).of(tree)


class _Reader:
    """Walks through a parsed pattern; as deep as the pattern is nested, which its parser was too."""

    def __init__(self, names: Any) -> None:
        self._names = names
        self._repeats = {names.MAX_REPEAT, names.MIN_REPEAT, names.POSSESSIVE_REPEAT}

    def of(self, items: Iterable[tuple[Any, Any]]) -> tuple[str, ...]:
        """The best requirement among those of a sequence: the one whose shortest text is longest."""
        best: tuple[str, ...] = ()
        run = ""
        for name, details in items:
            if name is self._names.LITERAL and chr(details) in _PLAIN:
                run += chr(details)
                continue
            best = _better(best, (run,))
            run = ""
            best = _better(best, self._inside(name, details))
        return _better(best, (run,))

    def _inside(self, name: Any, details: Any) -> tuple[str, ...]:
        names = self._names
        if name is names.SUBPATTERN:
            _, added_flags, removed_flags, items = details
            return () if added_flags or removed_flags else self.of(items)
        if name is names.ATOMIC_GROUP:
            return self.of(details)
        if name in self._repeats:
            at_least, _, items = details
            return self.of(items) if at_least else ()
        if name is names.BRANCH:
            alternatives = [self.of(items) for items in details[1]]
            found = tuple(dict.fromkeys(text for texts in alternatives for text in texts))
            return found if all(alternatives) and len(found) <= MAX_ALTERNATIVES else ()
        return ()


def _better(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return max(one, other, key=lambda texts: min(map(len, texts), default=0)) if all(other) else one
