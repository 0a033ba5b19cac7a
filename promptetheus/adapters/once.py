"""One call seen by several adapters is recorded once.

LangChain calls OpenAI's client: with both recorded, the same answer comes by twice, first where it arrives. Whoever
is first keeps it; an adapter of another kind that brings the same id (or the same exception) later is told so.
The same adapter may bring an id again: stubs and mocks give all their answers the same one.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from promptetheus.adapters.bounded import BoundedRunState

if TYPE_CHECKING:
    from promptetheus.session import Session

_MAX_CHAIN = 10
_MAX_SESSIONS = 16
"""Some libraries raise one exception object again and again, in one session after the other."""

_MARK = "__promptetheus__"

_seen: WeakKeyDictionary[Session, BoundedRunState[str]] = WeakKeyDictionary()


def is_known(session: Session, adapter: str, kind: str, key: str | None) -> bool:
    """Whether an adapter of another kind has recorded it in this session; if none has, this one has now.

    Args:
        kind: what the key is an id of: `model_call`, `tool_call`, `tool_result`.
        key: the provider's id; without one nothing is known.
    """
    if not key:
        return False
    memory = _seen.get(session)
    if memory is None:
        memory = _seen.setdefault(session, BoundedRunState(4096))
    first = memory.update(f"{kind} {key}", lambda known: known or adapter)
    return first is not None and first != adapter


def is_known_error(session: Session, adapter: str, error: BaseException, since_s: float = 0.0) -> bool:
    """The same for an exception: it, or one that it was raised from. Frameworks wrap what their clients raise.

    Args:
        since_s: when the call began that the exception ends, on the monotonic clock. What was recorded before is no
            cause of its failure, though Python links the two where the call was made to make up for the other:
            `try: ask(one) except Exception: ask(another)`.
    """
    known = False
    found: BaseException | None = error
    for _ in range(_MAX_CHAIN):
        if found is None:
            break
        now = time.monotonic()
        mark = mark_of(found)
        if len(mark) >= _MAX_SESSIONS:
            mark.clear()
        first, at_s = mark.setdefault(session.session_id, (adapter, now))
        known = known or (first != adapter and (found is error or at_s >= since_s))
        cause = found.__cause__
        found = found.__context__ if cause is None else cause
    return known


def mark_of(error: BaseException) -> dict[str, Any]:
    """What adapters remember of an exception: who recorded it, by session.

    It stands in the exception itself and so lasts as long: an id is soon that of another one, Python's own exceptions
    take no weak references, and a real one would keep alive all that is in the frames of the traceback. Plain values,
    because exceptions are pickled. The dictionary itself tells whether two exceptions are the same one.
    """
    try:
        found = vars(error).setdefault(_MARK, {})
    except Exception:  # a class that shows no attributes, or makes them up
        return {}
    return found if isinstance(found, dict) else {}
