"""Evidence for coding agents: eight read-only tools over the spool, shaped by the questions they ask.

answers   what a tool says: our facts, recorded text inside a fence, a budget of bytes, a cursor for the rest
evidence  the eight tools as plain functions: situation find outline step compare fingerprint query verify
reader    what they ask: the sessions of a spool, kept open, and looked at again before each answer
classic   the five tools of release 2.0.1, as views of those
server    the MCP server over stdio
bridge    stdio to a gateway's hosted MCP
clients   the configuration of Codex, Claude Code and Cursor
"""
