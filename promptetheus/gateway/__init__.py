"""The gateway: sessions of many agents, received over HTTP, on disk before they are acknowledged, and read again.

`promptetheus dev` runs it on one machine with a spool directory per project and SQLite; with `DATABASE_URL` any
number of them stand in front of one PostgreSQL. Needs the extra `server`.
"""
