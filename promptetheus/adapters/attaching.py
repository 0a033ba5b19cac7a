"""Adapters that a framework keeps: attached when they are made, taken out again by `detach`."""

from __future__ import annotations

import threading
from abc import abstractmethod
from typing import Any, Self


class Attached:
    """Base of such adapters: `detach`, its other name `stop`, and `with`.

    A subclass implements `_attach` and `_detach`; both are called only when there is something to do. `attach`
    after `detach` attaches again. A forgotten adapter stays attached until the process ends.
    """

    def __init__(self) -> None:
        self._attached = False
        self._attach_lock = threading.RLock()  # a signal handler may detach, too

    @property
    def attached(self) -> bool:
        """Whether the framework has it."""
        return self._attached

    def attach(self) -> Self:
        """Attach; nothing when it is attached. Raises what the framework raises."""
        with self._attach_lock:
            if not self._attached:
                self._attach()
                self._attached = True
        return self

    def detach(self) -> None:
        """Leave the framework as it was; nothing when it is not attached."""
        with self._attach_lock:
            if self._attached:
                self._attached = False
                self._detach()

    def stop(self) -> None:
        """The same as `detach`."""
        self.detach()

    def __enter__(self) -> Self:
        return self.attach()

    def __exit__(self, *exc: Any) -> None:
        self.detach()

    @abstractmethod
    def _attach(self) -> None:
        """Put it into the framework."""

    @abstractmethod
    def _detach(self) -> None:
        """Take it out, and leave the framework as it was."""
