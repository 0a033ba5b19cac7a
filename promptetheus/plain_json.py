"""Any value as JSON for people and other programs: indented, complete, valid whatever was recorded."""

from __future__ import annotations

import sys
from typing import Any


def json_text(value: Any, *, ascii_only: bool = True) -> str:
    """Any value as indented JSON that every parser takes.

    All of it, however much that is: a list that ends early would be taken for the whole one. Only what no JSON can
    hold is replaced: NaN by null, halves of surrogate pairs by U+FFFD, what is nested too deeply by a mark.
    """
    import json

    from promptetheus.encoding import jsonable

    def written(thing: Any) -> str:
        return json.dumps(
            thing,
            indent=2,
            ensure_ascii=ascii_only,
            allow_nan=False,
            default=lambda v: jsonable(v, sys.maxsize),
        )

    try:
        text = written(value)
        if "\\ud" not in text:
            text.encode()
            return text
    except (ValueError, TypeError, RecursionError):
        pass
    return written(jsonable(value, sys.maxsize))
