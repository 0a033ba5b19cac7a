"""Modules under the names of release 2.0.1."""
