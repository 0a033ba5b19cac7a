"""Arguments and results of tool calls, and other small values, as JSON has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from promptetheus.calls import text_of


def coerce_arguments(raw: object) -> dict[str, Any]:
    """Arguments as a dictionary: a mapping as it is, JSON text parsed, text that is no JSON as `{"raw": text}`, any
    other value as `{"value": value}`; nothing as `{}`."""
    if raw is None or raw == "":
        return {}
    if isinstance(raw, Mapping):
        return dict(raw)
    if isinstance(raw, str | bytes):
        try:
            parsed = orjson.loads(raw)
        except ValueError:
            return {"raw": raw if isinstance(raw, str) else raw.decode("utf-8", "replace")}
        return parsed if isinstance(parsed, dict) else {"value": parsed}
    dump = getattr(type(raw), "model_dump", None)
    if callable(dump):
        found = dump(raw)
        return found if isinstance(found, dict) else {"value": found}
    return {"value": raw}


def safe_str(value: object) -> str | None:
    """A value as text; None for None and for what is empty as text."""
    return None if value is None else text_of(value) or None


def run_key(run_id: object) -> str:
    """A framework's id of a run as text; `unknown` for None."""
    return "unknown" if run_id is None else text_of(run_id)
