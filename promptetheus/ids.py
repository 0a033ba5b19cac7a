"""Identifiers: session ids (ULID), span ids, call ids and the nonce of a writer."""

from __future__ import annotations

import os
import time

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_session_id() -> str:
    """A ULID: 48 bits of milliseconds since 1970 and 80 random bits, as 26 Crockford base32 characters.

    Ids made in different milliseconds sort by time; within one millisecond the order is random.
    Format: https://github.com/ulid/spec
    """
    number = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def new_span_id() -> str:
    """`span_` and 32 random hex digits."""
    return "span_" + os.urandom(16).hex()


def new_call_id() -> str:
    """32 random hex digits."""
    return os.urandom(16).hex()


def new_nonce() -> str:
    """8 random hex digits that tell apart the writers of one session (objects, processes, forks)."""
    return os.urandom(4).hex()
