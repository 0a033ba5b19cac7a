"""What users pass to a session, made into what it needs. Nothing here raises: what is no good is reported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus import guard
from promptetheus.calls import text_of
from promptetheus.encoding import jsonable
from promptetheus.ids import new_call_id, new_session_id
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.redaction import Redactor


def absolute(spool_dir: Any) -> Path:
    """The directory as an absolute path, so that a later `chdir` does not move it."""
    try:
        return Path(os.path.abspath(spool_dir))
    except OSError:  # the working directory is gone
        return Path(spool_dir)
    except BaseException as error:
        guard.pass_on(error)
        guard.report("settings.invalid", f"spool_dir must be a path, not {type(spool_dir).__name__}")
        return absolute(DEFAULT_SPOOL_DIR)


def session_id_of(given: Any) -> str:
    """A session id that is a text: a new one for None and ""."""
    if given is None:
        return new_session_id()
    return str(jsonable(text_of(given))) or new_session_id()


def call_id_of(given: Any) -> str:
    """A call id that is a text: a new one for None and ""."""
    return new_call_id() if given is None or guard.is_a(given, str) else text_of(given)


def texts_of(tags: Any) -> list[str]:
    """Tags as texts: one text is one tag."""
    if tags is None:
        return []
    try:
        if isinstance(tags, str):
            return [tags]
        return [text_of(tag) for tag in tags]
    except BaseException as error:
        guard.pass_on(error)
        guard.report("settings.invalid", f"tags must be texts, not {type(tags).__name__}", error)
        return []


def list_of(value: Any) -> list[Any]:
    """A list of its own: of one entry for what is no list, set or tuple."""
    if value is None:
        return []
    return list(value) if guard.is_a(value, (list, tuple, set, frozenset)) else [value]


def whole(number: Any) -> Any:
    """Token counts of other number types (numpy, floats without fraction) as int; the rest as it is."""
    try:
        return int(number) if not isinstance(number, bool) and int(number) == number else number
    except BaseException as error:
        guard.pass_on(error)
        return number


def rate_of(value: Any) -> float:
    """A share from 0 to 1; 1 for what is no number."""
    try:
        rate = float(value)
    except BaseException as error:
        guard.pass_on(error)
        rate = float("nan")
    if rate != rate:
        guard.report("settings.invalid", "a sample rate must be a number from 0 to 1: 1 is used")
        return 1.0
    return min(1.0, max(0.0, rate))


def redactor_of(redact: Any) -> Redactor | None:
    """The redactor that `redact=` means; the default one for what is neither a callable nor known by name."""
    if redact is None or callable(redact):
        return redact  # type: ignore[no-any-return]
    if not isinstance(redact, str) or redact != "default":
        guard.report(
            "settings.invalid", f"redact={text_of(redact)[:100]} is unknown: the default redactor is used"
        )
    from promptetheus.redaction import build_default_redactor

    return build_default_redactor()
