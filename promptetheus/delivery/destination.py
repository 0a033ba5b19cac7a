"""Where sessions are delivered to."""

from __future__ import annotations

import os
from typing import NamedTuple

from promptetheus.settings import get_config


class Destination(NamedTuple):
    """A gateway and the key of a project there."""

    api_url: str
    """Without a slash at the end."""
    api_key: str
    timeout_s: float
    """A request that takes longer is given up and tried again later."""

    def __repr__(self) -> str:  # ends up in logs and tracebacks: the key must not
        return f"Destination({self.api_url!r})"


def destination(endpoint: str | None = None, api_key: str | None = None) -> Destination | None:
    """The destination by argument, then environment, then settings; None without a key or a URL.

    The environment is read each time: a program may set the key after its imports.
    """
    config = get_config()
    key = api_key or os.environ.get("PROMPTETHEUS_API_KEY") or config.api_key
    url = endpoint or os.environ.get("PROMPTETHEUS_API_URL") or config.api_url
    if not key or not url:
        return None
    return Destination(url.rstrip("/"), key, config.http_timeout)
