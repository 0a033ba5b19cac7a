"""What a benchmark expected to be called, held against what was called: words for a failed check.

The benchmarks judge the state that the calls lead to, not the calls: a difference here is where to look, not
proof. It is therefore only told of runs that failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from promptetheus import display
from promptetheus.importers.narrowing import mapping

MAX_EXPECTED, MAX_MADE = 200, 5_000
"""Calls beyond these are not held against each other: the cost is their product."""

_MAX_ARGUMENTS = 160
_LOOKING = re.compile(
    r"(get|search|list|find|read|check|look|fetch|calculate|think|transfer_to_human)", re.IGNORECASE
)


class Call(NamedTuple):
    """A tool call, expected or made."""

    name: str
    arguments: dict[str, Any]
    call_id: str = ""
    """Of a call that was made."""
    failed: bool = False
    """Whether it was answered with an error."""


class Difference(NamedTuple):
    """An expected call that was not made as expected, or a call that was not expected."""

    expected: Call | None
    """None for a call that was made and not expected."""
    words: str
    closest: Call | None
    """The call made that this is about: of the same tool, with the fewest arguments that differ."""


def signature(name: str, arguments: object) -> str:
    """A call as people write it, cut to a line: `cancel_reservation(reservation_id="Z7GOZK")`."""
    inside = ", ".join(
        f"{display.printable_line(str(key), 60)}={display.value(item, 60)}"
        for key, item in list(mapping(arguments).items())[:20]
    )
    return f"{display.printable_line(name, 80)}({display.printable_line(inside, _MAX_ARGUMENTS)})"


def as_metadata(found: Sequence[Difference]) -> list[dict[str, Any]]:
    """The differences for the metadata of a check: which tool, whether it was expected, which call it is about."""
    listed = []
    for difference in found[:MAX_EXPECTED]:
        named = difference.expected or difference.closest
        listed.append(
            {
                "name": named.name if named else "",
                "expected": difference.expected is not None,
                "call_id": difference.closest.call_id if difference.closest else None,
            }
        )
    return listed


def differences(expected: Sequence[Call], made: Sequence[Call]) -> list[Difference]:
    """Where the calls made are not those expected: first the expected ones that change something and were not
    made as expected, then calls that change something and were not expected, then the ones that only look.

    Each call made stands for one expected at most.
    """
    unused = list(made[:MAX_MADE])
    missed = []
    for call in expected[:MAX_EXPECTED]:
        exact = next((other for other in unused if _same(call, other) and not other.failed), None)
        if exact is not None:
            unused.remove(exact)
        else:
            missed.append(call)
    found = [_not_as_expected(call, unused) for call in missed]
    uncalled_for = [
        Difference(None, f"{signature(call.name, call.arguments)} was not expected", call)
        for call in unused
        if not call.failed and not _only_looks(call)
    ]
    looking = [difference for difference in found if difference.expected and _only_looks(difference.expected)]
    changing = [difference for difference in found if difference not in looking]
    return changing + uncalled_for[:MAX_EXPECTED] + looking


def _not_as_expected(call: Call, unused: list[Call]) -> Difference:
    """How an expected call differs from the closest one made, which is taken out of `unused`."""
    candidates = [other for other in unused if other.name == call.name]
    if not candidates:
        return Difference(call, f"{signature(call.name, call.arguments)} was never called", None)
    closest = min(candidates, key=lambda other: (other.failed, len(_differing(call, other))))
    unused.remove(closest)
    if _same(call, closest):
        return Difference(call, f"{signature(call.name, call.arguments)} was called but failed", closest)
    names = ", ".join(display.printable_line(name, 60) for name in _differing(call, closest)[:8])
    failed = " and failed" if closest.failed else ""
    return Difference(
        call, f"{display.printable_line(call.name, 80)} was called with another {names}{failed}", closest
    )


def _same(one: Call, other: Call) -> bool:
    return one.name == other.name and one.arguments == other.arguments


def _only_looks(call: Call) -> bool:
    """Whether a call changes nothing, as far as its name tells."""
    return _LOOKING.match(call.name) is not None


def _differing(expected: Call, made: Call) -> list[str]:
    """Names of the arguments in which two calls differ, in the order of the expected ones."""
    names = [*expected.arguments, *(name for name in made.arguments if name not in expected.arguments)]
    missing = object()
    return [
        str(name)
        for name in names
        if expected.arguments.get(name, missing) != made.arguments.get(name, missing)
    ]
