"""Reading the spool: the catalog of sessions, one session's events, SQL over all of them, filters, live changes.

Names resolve on first use, so that importing this package costs nothing and DuckDB loads only when SQL runs.
The functions `resolve` and `search` are imported from `promptetheus.queries.resolve` and `.search`: the modules have
their names.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptetheus.queries.catalog import Catalog
    from promptetheus.queries.filter import BadFilter, Filter, parse_filter, read_filter
    from promptetheus.queries.filter_completion import candidates
    from promptetheus.queries.isolated import IsolatedDatabase
    from promptetheus.queries.live import Watcher, changes
    from promptetheus.queries.needle import BadPattern, Needle
    from promptetheus.queries.open_result import OpenResult
    from promptetheus.queries.ordering import Order, parse_order
    from promptetheus.queries.paging import BadCursor, Page
    from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound
    from promptetheus.queries.rows import Change, Problem, SessionRow, Skipped, Status, Usage
    from promptetheus.queries.search import Hit
    from promptetheus.queries.session_log import Growth, SessionLog
    from promptetheus.queries.spools import Spools
    from promptetheus.queries.sql import Result, SpoolDatabase, SqlError, run_sql

_MODULES = {
    "AmbiguousSession": "resolve",
    "BadCursor": "paging",
    "BadFilter": "filter",
    "BadPattern": "needle",
    "Catalog": "catalog",
    "Change": "rows",
    "Filter": "filter",
    "Growth": "session_log",
    "Hit": "search",
    "IsolatedDatabase": "isolated",
    "Needle": "needle",
    "OpenResult": "open_result",
    "Order": "ordering",
    "Page": "paging",
    "Problem": "rows",
    "Result": "sql",
    "SessionLog": "session_log",
    "SessionNotFound": "resolve",
    "SessionRow": "rows",
    "Skipped": "rows",
    "SpoolDatabase": "sql",
    "Spools": "spools",
    "SqlError": "sql",
    "Status": "rows",
    "Usage": "rows",
    "Watcher": "live",
    "candidates": "filter_completion",
    "changes": "live",
    "parse_filter": "filter",
    "parse_order": "ordering",
    "read_filter": "filter",
    "run_sql": "sql",
}

__all__ = [
    "AmbiguousSession",
    "BadCursor",
    "BadFilter",
    "BadPattern",
    "Catalog",
    "Change",
    "Filter",
    "Growth",
    "Hit",
    "IsolatedDatabase",
    "Needle",
    "OpenResult",
    "Order",
    "Page",
    "Problem",
    "Result",
    "SessionLog",
    "SessionNotFound",
    "SessionRow",
    "Skipped",
    "SpoolDatabase",
    "Spools",
    "SqlError",
    "Status",
    "Usage",
    "Watcher",
    "candidates",
    "changes",
    "parse_filter",
    "parse_order",
    "read_filter",
    "run_sql",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
