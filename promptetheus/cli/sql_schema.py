"""What SQL can be asked: the views with their columns, and the macros."""

from __future__ import annotations

from typing import TYPE_CHECKING

from promptetheus.cli.output import out, print_json, quoted, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from promptetheus.queries.schema import Table
    from promptetheus.queries.views import Macro


def show_schema(name: str, as_json: bool) -> int:
    """Print everything, or the view or macro of this name; returns the exit code."""
    from promptetheus.queries.schema import tables
    from promptetheus.queries.views import VIEW_NAMES, macros

    wanted = name.casefold()
    found = [table for table in tables() if wanted in ("", table.name)]
    helpers = [macro for macro in macros() if wanted in ("", macro.name)]
    if not found and not helpers:
        known = ", ".join((*VIEW_NAMES, *(macro.name for macro in macros())))
        say(f"promptetheus sql: there is no view or macro called {quoted(name)}. There are {known}.")
        return 2
    if as_json:
        print_json({"views": _views_as_json(found), "macros": _macros_as_json(helpers)})
        return 0
    for table in found:
        width = max(len(column.name) for column in table.columns)
        kinds = max(len(column.type) for column in table.columns)
        out(f"{table.name}: {table.description}")
        for column in table.columns:
            out(f"  {column.name:<{width}}  {column.type.lower():<{kinds}}  {column.description}")
        if not wanted:
            out("")
    for macro in helpers:
        out(f"{macro.call}\n  {macro.description}")
    return 0


def _views_as_json(tables: Sequence[Table]) -> dict[str, object]:
    return {
        table.name: {
            "description": table.description,
            "columns": [
                {"name": column.name, "type": column.type, "description": column.description}
                for column in table.columns
            ],
        }
        for table in tables
    }


def _macros_as_json(macros: Sequence[Macro]) -> dict[str, object]:
    return {macro.name: {"call": macro.call, "description": macro.description} for macro in macros}
