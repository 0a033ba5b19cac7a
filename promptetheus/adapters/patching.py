"""Replacing an attribute of a framework while somebody listens, and putting it back exactly as it was."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

from promptetheus import guard

_MISSING = object()
_lock = threading.RLock()
_points: WeakValueDictionary[tuple[int, str], PatchPoint] = WeakValueDictionary()
"""By owner and name, for as long as an adapter has it or its replacement is in place: all who ask for the point of an
attribute get the same one, and no two replacements come to lie on each other. A point holds its owner, whose id thus
stays its own."""


class PatchPoint:
    """One attribute of a class, module or object, shared by all adapters that listen at it.

    The first listener installs the replacement, the last one that leaves restores the original: in the owner's own
    dictionary if it stood there, else by taking ours away. A listener that was added twice has to be removed
    twice. Where somebody else has patched over us meanwhile, theirs stays: ours goes on below it, without
    listeners, and does nothing.
    """

    def __init__(self, owner: Any, name: str, replace: Callable[[Any, PatchPoint], Any]) -> None:
        self.listeners: tuple[Any, ...] = ()
        """Who listens, each once, in the order of their coming. Read it once per call: it may change."""
        self._owner, self._name, self._replace = owner, name, replace
        self._added: list[Any] = []
        self._own: Any = _MISSING
        self._installed: Any = None

    def add(self, listener: Any) -> None:
        """Begin to listen. Raises AttributeError when the framework has no such attribute."""
        with _lock:
            if self._installed is None:
                original = getattr(self._owner, self._name)
                self._own = vars(self._owner).get(self._name, _MISSING)
                replacement = self._replace(original, self)
                replacement.__promptetheus_point__ = self  # it has to live as long as the replacement
                setattr(self._owner, self._name, replacement)
                self._installed = replacement
            self._added.append(listener)
            self._tell()

    def remove(self, listener: Any) -> None:
        """Stop listening; nothing when it does not listen."""
        with _lock:
            for number, other in enumerate(self._added):
                if other is listener:
                    del self._added[number]
                    break
            self._tell()
            if not self._added and self._installed is not None:
                self._restore()

    def _tell(self) -> None:
        distinct: list[Any] = []
        for listener in self._added:
            if not any(listener is other for other in distinct):
                distinct.append(listener)
        self.listeners = tuple(distinct)

    def _restore(self) -> None:
        if vars(self._owner).get(self._name) is not self._installed:
            guard.report(
                "failed.detach", f"{self._name} was patched by others, too: ours stays, and is silent"
            )
            return
        if self._own is _MISSING:
            delattr(self._owner, self._name)
        else:
            setattr(self._owner, self._name, self._own)
        self._installed = None


def patch_point(owner: Any, name: str, replace: Callable[[Any, PatchPoint], Any]) -> PatchPoint:
    """The patch point of an attribute: the one that somebody has or that is in place, or a new one.

    `replace(original, point)` gives the replacement: a function of the same kind as the original (plain,
    coroutine, generator), made with `functools.wraps`, that asks `point.listeners` at every call. `original` is
    what `getattr(owner, name)` gave: of a class, the plain function.
    """
    with _lock:
        return _points.setdefault((id(owner), name), PatchPoint(owner, name, replace))
