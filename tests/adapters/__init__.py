"""Adapters against the real frameworks, which talk to a stub on loopback."""
