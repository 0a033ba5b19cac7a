"""Where a gateway keeps things: files and SQLite on one machine, PostgreSQL for many."""
