"""Several spools as one: their sessions in one list, each found again by its file."""

from __future__ import annotations

from collections.abc import Iterator

from promptetheus.queries.catalog import Catalog
from promptetheus.queries.paging import newest_first
from promptetheus.queries.roots import Roots, roots_of
from promptetheus.queries.rows import SessionRow


class Spools:
    """The catalogs of one or more spool directories."""

    def __init__(self, roots: Roots) -> None:
        self.roots = roots_of(roots)
        self.catalogs = tuple(Catalog(root) for root in self.roots)

    def scan(self) -> Iterator[list[SessionRow]]:
        """Read what is new or changed; gives all rows in batches, spool by spool, newest file first."""
        for catalog in self.catalogs:
            yield from catalog.scan()

    def refresh(self) -> None:
        """Read what is new or changed."""
        for catalog in self.catalogs:
            catalog.refresh()

    def price_rows(self) -> None:
        """Give rows their costs; takes 250 ms the first time."""
        for catalog in self.catalogs:
            catalog.price_rows()

    def rows(self) -> list[SessionRow]:
        """All sessions read so far, newest first. One that lies in two spools is there twice."""
        if len(self.catalogs) == 1:
            return self.catalogs[0].rows()
        return sorted((row for catalog in self.catalogs for row in catalog.rows()), key=newest_first)

    def distinct_rows(self) -> tuple[list[SessionRow], int]:
        """All sessions, each id once, and how many rows were left out for that: the spool named first wins."""
        if len(self.catalogs) == 1:
            return self.catalogs[0].rows(), 0
        found: dict[str, SessionRow] = {}
        total = 0
        for catalog in self.catalogs:
            for row in catalog.rows():
                total += 1
                found.setdefault(row.session_id, row)
        return sorted(found.values(), key=newest_first), total - len(found)
