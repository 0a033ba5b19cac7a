"""One call seen by several adapters is recorded once.

LangChain calls OpenAI's client: with both recorded, the same answer comes by twice, first where it arrives. Whoever
is first keeps it; an adapter of another kind that brings the same id (or the same exception) later is told so.
The same adapter may bring an id again: stubs and mocks give all their answers the same one.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from promptetheus.adapters.bounded import BoundedRunState

if TYPE_CHECKING:
    from promptetheus.session import Session

_MAX_CHAIN = 10

inside_call: ContextVar[list[str] | None] = ContextVar("promptetheus_inside_call", default=None)
"""For a framework that does not tell the provider's id: the kinds of adapters that have written a model call while
the framework's own was under way here. Set by the adapter of the framework, added to by `ModelCall`."""

_seen: WeakKeyDictionary[Session, BoundedRunState[str]] = WeakKeyDictionary()
_lock = threading.Lock()


def is_known(session: Session, adapter: str, kind: str, key: str | None) -> bool:
    """Whether an adapter of another kind has recorded it in this session; if none has, this one has now.

    Args:
        kind: what the key is an id of: `model_call`, `tool_call`, `tool_result`.
        key: the provider's id; without one nothing is known.
    """
    if not key:
        return False
    with _lock:
        memory = _seen.get(session)
        if memory is None:
            memory = _seen[session] = BoundedRunState(4096)
    known = memory.get(f"{kind} {key}")
    if known is None:
        memory.put(f"{kind} {key}", adapter)
    return known is not None and known != adapter


def is_known_error(session: Session, adapter: str, error: BaseException) -> bool:
    """The same for an exception: it, or one that it was raised from. Frameworks wrap what their clients raise."""
    known = False
    found: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if found is None:
            break
        known = is_known(session, adapter, "error", _name(found)) or known
        found = found.__cause__ or found.__context__
    return known


def _name(error: BaseException) -> str:
    return f"{id(error)} {type(error).__qualname__}"
